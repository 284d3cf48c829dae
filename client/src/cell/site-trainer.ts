/** The trainer that a contract and a site's settings call for, checked against the contract. */
import { equalBytes, InputError, invariant } from "@bulkhead/base";
import {
  baseDigest,
  type Example,
  languageModelDigest,
  type LanguageTask,
  modelPlace,
  placeOf,
  type Rows,
  type TensorSpec,
  type Trainer,
  type TrainerSpec,
} from "@bulkhead/finetune";
import { classifierTaskOf, languageTaskOf } from "@bulkhead/party";
import { type Contract, fieldBytes } from "@bulkhead/protocol";
import type { CellSettings } from "../settings.ts";

export type OpenTrainer = (spec: TrainerSpec) => Promise<Trainer>;

interface Needs extends Pick<
  CellSettings,
  "modelFolder" | "modelFile" | "trainerModule" | "backend" | "activationBytes"
> {
  /** The cell's own. */
  readonly spillFolder: string;
}

/** Throws an {@link InputError} where a setting is missing, or base model or tensors are not those of the contract. */
export const openSiteTrainer = async (
  contract: Contract,
  settings: Needs,
  rows: Rows,
  open: OpenTrainer,
): Promise<Trainer> => {
  const trainer = await open(await trainerSpec(contract, settings, rows));
  if (plain(trainer.tensors) === plain(contract.tensors)) return trainer;
  await trainer.close();
  throw new InputError({
    code: "contract-other-tensors",
    place: `contract ${contract.job}`,
    problem: "what it says is trained is not what its task trains on this base model",
    cure: "ask the provider for a contract drafted from this base model",
  });
};

const plain = (tensors: readonly TensorSpec[]): string =>
  JSON.stringify(tensors.map(({ name, shape }) => [name, shape]));

const trainerSpec = async (contract: Contract, needs: Needs, rows: Rows): Promise<TrainerSpec> => {
  const language = languageTaskOf(contract);
  if (language !== undefined) return languageSpec(contract, needs, language, rows);
  const examples = rows.map(exampleOf);
  const { modelFolder, trainerModule, backend, activationBytes } = needs;
  const task = classifierTaskOf(contract);
  if (task === undefined) {
    if (trainerModule === undefined) throw missing(contract, "trainer module");
    return { kind: "module", path: trainerModule, examples, tensors: contract.tensors };
  }
  if (modelFolder === undefined) throw missing(contract, "folder of the base model");
  expectNamed(contract, modelFolder, await baseDigest(modelFolder));
  return { kind: "classifier", modelFolder, task, examples, backend, cacheBytes: activationBytes.memory };
};

const languageSpec = async (
  contract: Contract,
  { modelFolder, modelFile, backend, activationBytes, spillFolder }: Needs,
  task: LanguageTask,
  rows: Rows,
): Promise<TrainerSpec> => {
  const model = modelPlace({ folder: modelFolder, file: modelFile });
  if (model === undefined) throw missing(contract, "base model");
  expectNamed(contract, placeOf(model), await languageModelDigest(model));
  return {
    kind: "language-model",
    model,
    task,
    rows: rows.map((row) => ({ ...row })),
    backend,
    cacheBytes: activationBytes.memory,
    spill: { folder: spillFolder, mostBytes: activationBytes.disk },
  };
};

/** They were read as examples, since the contract's task is none of a language model. */
const exampleOf = ({ text, label }: Rows[number]): Example => {
  invariant(typeof text === "string" && typeof label === "number", "a row is an example");
  return { text, label };
};

const expectNamed = ({ base }: Contract, place: string, digest: Uint8Array): void => {
  if (equalBytes(digest, fieldBytes(base.digest))) return;
  throw new InputError({
    code: "contract-other-model",
    place,
    problem: "it is not the base model that the contract names",
    cure: `get ${base.name} from the provider, all its files: config.json, weights, tokenizer.json, or the one GGUF file`,
  });
};

const missing = ({ job }: Contract, what: string): InputError =>
  new InputError({
    code: "config-trainer",
    place: `contract ${job}`,
    problem: `its task needs a ${what}, and this site's config names none`,
    cure: "add it to the config",
  });
