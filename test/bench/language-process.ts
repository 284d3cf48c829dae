/** A process of its own for one row of `language.ts`, on one thread. */
import fs from "node:fs";
import { Secret } from "@bulkhead/base";
import { openBackend, openRingEngine, type TensorFlow } from "@bulkhead/compute";
import { seal } from "@bulkhead/crypto";
import { generate, type LoadedModel } from "@bulkhead/finetune";
import {
  adapterParameters,
  languageFile,
  languageRows,
  openLanguageModel,
  openLanguageWork,
  ROWS,
  TOKENS,
} from "./language-work.ts";
import type { LanguageRowName } from "./language.ts";
import { machineName, type Row, rowOf, spreadOf } from "./paired.ts";

/** Of one layer, and of the head: [inputs, outputs] as SmolLM2 has them. */
const LAYERS = 30;
const LAYER_SIDES = [
  [576, 576],
  [576, 192],
  [576, 192],
  [576, 576],
  [576, 1536],
  [576, 1536],
  [1536, 576],
] as const;
const HEAD_SIDES = [576, 49_152] as const;

/** The products of a step with the frozen weights, forward and with respect to the inputs; those of attention and adapters are small. */
const stepProducts = (tf: TensorFlow): (() => void) => {
  const products = [...LAYER_SIDES, HEAD_SIDES].map(([inputs, outputs]) => ({
    x: tf.randomNormal([ROWS * TOKENS, inputs]),
    dy: tf.randomNormal([ROWS * TOKENS, outputs]),
    kernel: tf.randomNormal([outputs, inputs]),
  }));
  return () => {
    for (const [i, { x, dy, kernel }] of products.entries())
      for (let layer = 0; layer < (i < LAYER_SIDES.length ? LAYERS : 1); layer++)
        tf.tidy(() => {
          tf.matMul(x, kernel, false, true);
          tf.matMul(dy, kernel);
        });
  };
};

const GFLOP =
  ([...LAYER_SIDES].reduce((sum, [a, b]) => sum + a * b * LAYERS, 0) + HEAD_SIDES[0] * HEAD_SIDES[1]) *
  (4e-9 * ROWS * TOKENS);

const step = async (name: string): Promise<Row> => {
  const { tf, step: train } = await openLanguageWork();
  return rowOf({
    name,
    work: () => train(Number.POSITIVE_INFINITY),
    baseline: {
      name: `its products with the weights alone (${GFLOP.toFixed(0)} GFLOP)`,
      run: stepProducts(tf),
    },
    runs: 5,
  });
};

/** Linux keeps the most memory that a process had, and forgets it on this word. */
const peakOf = async (before: number, run: () => Promise<void>): Promise<number> => {
  fs.writeFileSync("/proc/self/clear_refs", "5");
  await run();
  const peak = /VmHWM:\s+(?<kib>\d+)/u.exec(fs.readFileSync("/proc/self/status", "utf8"))?.groups?.["kib"];
  return (Number(peak) * 1024 - before) / 1e6;
};

/** Node and TensorFlow, without a model, are taken as what they are before one is loaded. */
const memory = async (name: string): Promise<Row> => {
  await openBackend("tensorflow");
  const empty = process.memoryUsage.rss();
  const { tf, step: train } = await openLanguageWork();
  const before = empty + tf.memory().numBytes;
  const rerun = await peakOf(before, () => train(0));
  const kept = await peakOf(before, () => train(Number.POSITIVE_INFINITY));
  return {
    name,
    value: rerun,
    unit: "MB beside the weights, layers run again",
    baseline: { name: "all kept", value: kept },
    ratio: rerun / kept,
    machine: machineName(),
    spread: spreadOf([rerun]),
  };
};

const load = async (name: string): Promise<Row> => {
  const read = async () => {
    const base = await openLanguageModel();
    for (const entry of base.weights.tensors.keys()) await base.weights.floats(entry);
    await base.close();
  };
  return rowOf({
    name,
    work: read,
    baseline: {
      name: "the file read, and as many floats written",
      run: () => {
        fs.readFileSync(languageFile!);
        new Float32Array(134_515_008).fill(1);
      },
    },
    runs: 5,
  });
};

const WRITTEN = 64;

/** All weights once for each token. */
const tokenProducts = (tf: TensorFlow, { layers, head }: LoadedModel): (() => void) => {
  const kernels = layers.flatMap(({ projections, output, gate, up, down }) =>
    [...projections, output, gate!, up, down].map(({ kernel }) => kernel),
  );
  const inputs = new Map([...kernels, head!].map(({ shape: [, width] }) => [width, tf.ones([1, width])]));
  return () => {
    for (let i = 0; i < WRITTEN; i++)
      for (const kernel of [...kernels, head!])
        tf.tidy(() => tf.matMul(inputs.get(kernel.shape[1])!, kernel, false, true));
  };
};

const write = async (name: string): Promise<Row> => {
  const { tf, model } = await openLanguageWork();
  const prompt = languageRows[0]!.ids.subarray(0, 32);
  return rowOf({
    name,
    work: async () => {
      await generate(tf, { model }, prompt, { mostTokens: WRITTEN, stop: [] });
    },
    baseline: { name: "the weights once a token", run: tokenProducts(tf, model) },
    rate: { unit: "tokens/s", units: WRITTEN, baselineUnits: WRITTEN },
    runs: 3,
  });
};

/** As in the scenario: four members, ten steps a round. */
const [MEMBERS, STEPS] = [4, 10];

const upload = async (name: string): Promise<Row> => {
  const { step: train, model } = await openLanguageWork();
  const engine = await openRingEngine({ engine: "cpu", threads: 1 });
  const lanes = adapterParameters(model);
  const vector = engine.allocate({ laneBits: 16, segmentLanes: [lanes + 16] });
  const update = new Float32Array(new SharedArrayBuffer(4 * lanes));
  for (let i = 0; i < lanes; i++) update[i] = Math.sin(i) / 100;
  const job = {
    update,
    plan: { largestQuantum: 3276, tensors: [{ length: lanes, scale: 3276 / 0.02 }] },
    factor: 1,
    roundingSeed: new Uint8Array(32),
    scalarLanes: () => new Uint32Array(),
  };
  const streams = Array.from({ length: MEMBERS }, (_, i) => ({
    key: new Uint8Array(32).fill(i),
    sign: i % 2 === 0 ? (1 as const) : (-1 as const),
  }));
  const row = await rowOf({
    name,
    work: async () => {
      await engine.quantise(job, vector);
      await engine.addStreams(vector, streams);
      sealed(vector.bytes);
    },
    baseline: {
      name: `${STEPS} steps of training`,
      run: async () => {
        for (let i = 0; i < STEPS; i++) await train(Number.POSITIVE_INFINITY);
      },
    },
    runs: 3,
  });
  await engine.close();
  return row;
};

const sealed = (bytes: Uint8Array): Uint8Array =>
  seal(new Secret(new Uint8Array(32)), new Uint8Array(12), bytes, new Uint8Array(0));

const MEASURES: Readonly<Record<LanguageRowName, (name: string) => Promise<Row>>> = {
  "finetune-step": step,
  "finetune-memory": memory,
  "finetune-load": load,
  "finetune-generate": write,
  "finetune-upload": upload,
};

const isRow = (name: string | undefined): name is LanguageRowName =>
  name !== undefined && Object.hasOwn(MEASURES, name);
const [name] = process.argv.slice(2);
if (isRow(name)) process.send?.(await MEASURES[name](name));
process.disconnect?.();
