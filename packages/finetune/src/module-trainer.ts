/** A trainer out of a site's own module. What the module gives is checked before anything of it leaves the site. */
import { pathToFileURL } from "node:url";
import { InputError } from "@bulkhead/base";
import { nonFiniteTensors } from "./flat.ts";
import {
  type Evaluation,
  type Example,
  parameterCount,
  type TensorSpec,
  type TrainOutcome,
  type Trainer,
} from "./trainer.ts";

export interface ModuleTrainerOptions {
  /**
   * Absolute path of an ES module that exports `createTrainer({ examples, tensors })`, which gives a {@link Trainer} or
   * promises one. It runs with the rights of the process and sees every row.
   */
  readonly path: string;
  readonly examples: readonly Example[];
  /** What the contract says is trained. */
  readonly tensors: readonly TensorSpec[];
}

/** Throws an {@link InputError} where the module is not there or does not keep to the contract. */
export const openModuleTrainer = async (options: ModuleTrainerOptions): Promise<Trainer> => {
  const { path, examples, tensors } = options;
  const createTrainer = await importCreateTrainer(path);
  const made: unknown = await createTrainer({ examples, tensors });
  if (!isTrainer(made)) throw unusable(path, "what createTrainer gives is not a trainer");
  if (!sameTensors(made.tensors, tensors)) throw unusable(path, "its tensors are not those of the contract");
  return {
    backend: made.backend,
    notice: made.notice,
    tensors,
    rows: made.rows,
    train: async (job, onStep) => checkOutcome(options, await made.train(job, onStep)),
    evaluate: async (model, judged) => checkEvaluation(path, await made.evaluate(model, judged)),
    close: () => made.close(),
  };
};

const unusable = (place: string, problem: string): InputError =>
  new InputError({
    code: "config-trainer-module",
    place,
    problem,
    cure: "correct the module, or name another one",
  });

type CreateTrainer = (options: Omit<ModuleTrainerOptions, "path">) => unknown;

const importCreateTrainer = async (path: string): Promise<CreateTrainer> => {
  let module: unknown;
  try {
    module = await import(pathToFileURL(path).href);
  } catch (error) {
    throw unusable(path, `it cannot be loaded: ${firstLine(error)}`);
  }
  const create = field(module, "createTrainer");
  if (typeof create !== "function") throw unusable(path, "it exports no function createTrainer");
  return (options) => Reflect.apply(create, undefined, [options]);
};

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0]!;

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

/** Its results are checked when they come. */
const isTrainer = (value: unknown): value is Trainer =>
  typeof field(value, "backend") === "string" &&
  ["string", "undefined"].includes(typeof field(value, "notice")) &&
  Array.isArray(field(value, "tensors")) &&
  isCount(field(value, "rows")) &&
  ["train", "evaluate", "close"].every((name) => typeof field(value, name) === "function");

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Names and shapes; other fields that a module keeps with its tensors are its own. */
const sameTensors = (given: readonly unknown[], wanted: readonly TensorSpec[]): boolean => {
  const plain = (tensors: readonly unknown[]) =>
    JSON.stringify(tensors.map((tensor) => [field(tensor, "name"), field(tensor, "shape")]));
  return plain(given) === plain(wanted);
};

const FAILURES: ReadonlySet<unknown> = new Set([
  "non-finite-loss",
  "non-finite-update",
  "model-length",
  "no-rows",
]);

const checkOutcome = ({ path, tensors }: ModuleTrainerOptions, outcome: TrainOutcome): TrainOutcome => {
  const type = field(outcome, "type");
  if (type === "failed" && FAILURES.has(field(outcome, "code"))) return outcome;
  if (type !== "trained") throw unusable(path, "train gives neither an update nor a known failure");
  const { update, examples, lossSum } = trained(path, outcome);
  if (update.length !== parameterCount(tensors))
    throw unusable(path, `its update has ${update.length} values, not ${parameterCount(tensors)}`);
  const broken = nonFiniteTensors(tensors, update);
  return broken.length > 0
    ? { type: "failed", code: "non-finite-update", facts: { tensors: broken } }
    : { type: "trained", update, examples, lossSum };
};

const trained = (path: string, outcome: unknown) => {
  const [update, examples, lossSum] = ["update", "examples", "lossSum"].map((name) => field(outcome, name));
  if (!(update instanceof Float32Array)) throw unusable(path, "its update is not a Float32Array");
  if (!isCount(examples)) throw unusable(path, "its count of examples is not a whole number");
  if (typeof lossSum !== "number" || !Number.isFinite(lossSum))
    throw unusable(path, "its sum of losses is not a finite number");
  return { update, examples, lossSum };
};

const checkEvaluation = (path: string, evaluation: Evaluation): Evaluation => {
  const figures = ["examples", "loss", "accuracy", "balancedAccuracy"].map((name) => field(evaluation, name));
  if (!figures.every((figure) => typeof figure === "number"))
    throw unusable(path, "evaluate gives no figures");
  return evaluation;
};
