/**
 * A process of its own for rows of training: how many threads a backend uses is decided when it is loaded. Started by
 * `encoder.ts` with the row's name and, for the encoder's step, its threads.
 */
import { openBackend, type TensorFlow } from "@bulkhead/compute";
import { openEncoderWork, STEP_GFLOP, STEP_PRODUCTS } from "./encoder-work.ts";
import { type Row, rowOf } from "./paired.ts";

/** The products alone, on the same backend: what a step cannot be faster than. */
const bareProducts = (tf: TensorFlow): (() => void) => {
  const operands = STEP_PRODUCTS.map(({ count, batch, rows, inner, columns }) => ({
    count,
    a: tf.randomUniform([batch, rows, inner]),
    b: tf.randomUniform([batch, inner, columns]),
  }));
  return () => {
    for (const { count, a, b } of operands)
      for (let i = 0; i < count; i++) tf.tidy(() => tf.matMul(a, b)).dispose();
  };
};

const STEPS = 1;

const encoderStep = async (name: string): Promise<Row> => {
  const work = await openEncoderWork("tensorflow");
  const { tf } = await openBackend("tensorflow");
  const products = bareProducts(tf);
  const row = await rowOf({
    name,
    work: () => work.train(STEPS),
    baseline: {
      name: `the step's matrix products alone (${STEP_GFLOP.toFixed(1)} GFLOP)`,
      run: () => {
        for (let step = 0; step < STEPS; step++) products();
      },
    },
    rate: { unit: "steps/s", units: STEPS, baselineUnits: STEPS },
    runs: 7,
  });
  await work.close();
  return row;
};

type Kernels = ReadonlyMap<string, Parameters<TensorFlow["registerKernel"]>[0]>;

const kernelsOf = (tf: TensorFlow): Kernels =>
  new Map((tf.getKernelsForBackend("wasm") ?? []).map((kernel) => [kernel.kernelName, kernel]));

/** Puts these kernels in force; those that only the others have stay. */
const install = (tf: TensorFlow, kernels: Kernels): void => {
  for (const [name, kernel] of kernels) {
    if (tf.getKernel(name, "wasm") === kernel) continue;
    tf.unregisterKernel(name, "wasm");
    tf.registerKernel(kernel);
  }
};

const wasmStep = async (name: string): Promise<Row> => {
  const { tf } = await openBackend("cpu");
  // Registers the kernels as they were published; opening our backend then replaces some.
  await import("@tensorflow/tfjs-backend-wasm");
  const stock = kernelsOf(tf);
  const work = await openEncoderWork("wasm");
  const repaired = kernelsOf(tf);
  const train = (kernels: Kernels) => async () => {
    install(tf, kernels);
    await work.train(1);
  };
  const row = await rowOf({
    name,
    work: train(repaired),
    baseline: { name: "stock kernels", run: train(stock) },
    rate: { unit: "steps/s", units: 1, baselineUnits: 1 },
    runs: 2,
  });
  await work.close();
  return row;
};

const [name, kind] = process.argv.slice(2);
process.send?.(await (kind === "wasm" ? wasmStep(name!) : encoderStep(name!)));
process.disconnect?.();
