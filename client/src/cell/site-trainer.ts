/** The trainer that a contract and a site's settings call for, checked against the contract. */
import { equalBytes, InputError } from "@bulkhead/base";
import {
  baseDigest,
  type Example,
  type TensorSpec,
  type Trainer,
  type TrainerSpec,
} from "@bulkhead/finetune";
import { classifierTaskOf } from "@bulkhead/party";
import { type Contract, fieldBytes } from "@bulkhead/protocol";
import type { CellSettings } from "../settings.ts";

export type OpenTrainer = (spec: TrainerSpec) => Promise<Trainer>;

type Needs = Pick<CellSettings, "modelFolder" | "trainerModule" | "backend">;

/** Throws an {@link InputError} where a setting is missing, or base model or tensors are not those of the contract. */
export const openSiteTrainer = async (
  contract: Contract,
  settings: Needs,
  examples: readonly Example[],
  open: OpenTrainer,
): Promise<Trainer> => {
  const trainer = await open(await trainerSpec(contract, settings, examples));
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

const trainerSpec = async (
  contract: Contract,
  { modelFolder, trainerModule, backend }: Needs,
  examples: readonly Example[],
): Promise<TrainerSpec> => {
  const task = classifierTaskOf(contract);
  if (task === undefined) {
    if (trainerModule === undefined) throw missing(contract, "trainer module");
    return { kind: "module", path: trainerModule, examples, tensors: contract.tensors };
  }
  if (modelFolder === undefined) throw missing(contract, "folder of the base model");
  if (!equalBytes(await baseDigest(modelFolder), fieldBytes(contract.base.digest)))
    throw new InputError({
      code: "contract-other-model",
      place: modelFolder,
      problem: "it is not the base model that the contract names",
      cure: `get ${contract.base.name} from the provider: config.json, model.safetensors, tokenizer.json`,
    });
  return { kind: "classifier", modelFolder, task, examples, backend };
};

const missing = ({ job }: Contract, what: string): InputError =>
  new InputError({
    code: "config-trainer",
    place: `contract ${job}`,
    problem: `its task needs a ${what}, and this site's config names none`,
    cure: "add it to the config",
  });
