/**
 * The models against `transformers` and `peft`, both ways: Python's vectors are made anew and every backend of this
 * machine is held against them; adapters saved here are loaded by `peft`, whose outputs must be those of here.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  adaptModel,
  type LanguageRow,
  languageStep,
  batchOf,
  mergeChange,
  openBaseModel,
  peftConfig,
  peftTensors,
  readAdapterFolder,
  runModel,
  writeModel,
  writeSafetensors,
} from "@bulkhead/finetune";
import { type BackendName, openBackend, type TensorFlow } from "@bulkhead/compute";
import {
  loadSmall,
  readSmallModels,
  shapeOf,
  smallAdapter,
  type SmallCase,
  type SmallModels,
  useOf,
} from "../finetune/models/small-models.ts";
import { writeFolder } from "../finetune/models/stored-models.ts";

const SCRIPT = path.join(import.meta.dirname, "model_vectors.py");
/** Absolute for outputs, relative to the largest for gradients. */
const TOLERANCE = 1e-3;

const { values: options } = parseArgs({ options: { python: { type: "string", default: "python3" } } });
const { python } = options;

const run = (...parts: readonly string[]): string => {
  const [command, ...rest] = parts;
  const { status, stdout, stderr } = spawnSync(command!, rest, { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${parts.join(" ")}\n${stderr}`);
  return stdout;
};

const far = (got: ArrayLike<number>, wanted: readonly number[]): number =>
  Math.max(...wanted.map((value, i) => Math.abs(got[i]! - value)));

const rowsOf = ({ rows, firstTarget }: SmallModels): readonly LanguageRow[] =>
  rows.map((ids) => ({
    ids: Int32Array.from(ids),
    targets: Uint8Array.from(ids, (_, i) => Number(i >= firstTarget)),
  }));

/** Worst difference of logits, and of gradients relative to the largest. */
const compare = async (tf: TensorFlow, small: SmallCase, rows: readonly LanguageRow[]) => {
  const model = await loadSmall(tf, small);
  const { plan, trained } = smallAdapter(small);
  const adapted = adaptModel(tf, model, plan);
  const plain = await runModel(tf, { model }, rows);
  const spoken = await runModel(tf, { adapted, parameters: trained }, rows);
  const logits = Math.max(
    ...rows.map((_, row) =>
      Math.max(far(plain[row]!, small.plain[row]!), far(spoken[row]!, small.adapted[row]!)),
    ),
  );
  let gradients: number | undefined;
  if (useOf(small) === "language-model") {
    const parameters = tf.tensor1d(trained);
    const setting = { adapted, keptBytes: Number.POSITIVE_INFINITY };
    const step = languageStep(tf, setting, parameters, { batch: batchOf(rows) });
    const wanted = adapted.tensors.flatMap(({ name }) => [...small.gradients[name]!]);
    gradients = far(await step.gradient.data(), wanted) / Math.max(...wanted.map(Math.abs));
    tf.dispose([parameters, step.losses, step.gradient]);
  }
  model.dispose();
  return { logits, gradients };
};

const saveAdapter = (folder: string, small: SmallCase): void => {
  const { plan, trained } = smallAdapter(small);
  fs.mkdirSync(folder);
  const config = peftConfig(shapeOf(small), useOf(small), plan, "a small model");
  fs.writeFileSync(path.join(folder, "adapter_config.json"), JSON.stringify(config));
  const tensors = peftTensors(shapeOf(small), useOf(small), plan, { trained });
  fs.writeFileSync(path.join(folder, "adapter_model.safetensors"), writeSafetensors(tensors));
};

const failures: string[] = [];
const report = (what: string, figure: number): void => {
  const holds = figure < TOLERANCE;
  console.log(`${holds ? "ok  " : "MISS"} ${what}: ${figure.toExponential(1)}`);
  if (!holds) failures.push(what);
};

type Outputs = Readonly<Record<string, readonly (readonly number[])[]>>;

const reportAdapted = (what: string, theirs: Outputs, { cases }: SmallModels): void => {
  for (const [title, { adapted }] of Object.entries(cases))
    report(`${title}: ${what}`, Math.max(...theirs[title]!.map((values, row) => far(values, adapted[row]!))));
};

/** As `model merge` writes it, through a folder of the model without its adapter. */
const saveMerged = async (place: string, small: SmallCase, adapter: string): Promise<void> => {
  const plain = `${place}.plain`;
  fs.mkdirSync(plain, { recursive: true });
  fs.mkdirSync(place);
  const base = await openBaseModel(await writeFolder(small, plain));
  await writeModel(base, place, "F32", mergeChange(base, await readAdapterFolder(adapter, base)));
  await base.close();
};

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-interop-"));
try {
  const file = path.join(folder, "vectors.json");
  run(python, SCRIPT, file);
  const fresh = readSmallModels(file);
  const rows = rowsOf(fresh);
  for (const name of ["tensorflow", "wasm", "cpu"] satisfies readonly BackendName[]) {
    const backend = await openBackend(name).catch((error: unknown) => String(error));
    if (typeof backend === "string") {
      console.log(`skip ${name}: ${backend}`);
      continue;
    }
    for (const [title, small] of Object.entries(fresh.cases)) {
      const { logits, gradients } = await compare(backend.tf, small, rows);
      report(`${title} on ${name}, outputs`, logits);
      if (gradients !== undefined) report(`${title} on ${name}, gradients`, gradients);
    }
  }
  const adapters = path.join(folder, "adapters");
  fs.mkdirSync(adapters);
  for (const [title, small] of Object.entries(fresh.cases)) saveAdapter(path.join(adapters, title), small);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what model_vectors.py prints
  const theirs = JSON.parse(run(python, SCRIPT, "--adapters", adapters)) as Outputs;
  reportAdapted("our adapter in peft", theirs, fresh);
  const merged = path.join(folder, "merged");
  for (const [title, small] of Object.entries(fresh.cases))
    await saveMerged(path.join(merged, title), small, path.join(adapters, title));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what model_vectors.py prints
  reportAdapted("our merged model", JSON.parse(run(python, SCRIPT, "--folders", merged)) as Outputs, fresh);
} finally {
  fs.rmSync(folder, { recursive: true });
}
console.log(failures.length === 0 ? "all within 1e-3" : `${failures.length} beyond 1e-3`);
process.exitCode = failures.length === 0 ? 0 : 1;
