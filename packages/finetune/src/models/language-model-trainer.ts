/** The trainer of a contract's language model: its files, a site's rows as tokens, and what was cut of them. */
import { InputError } from "@bulkhead/base";
import { type BackendPreference, openBackend, type TensorFlow } from "@bulkhead/compute";
import { drawnFactors, type LanguageTask } from "../language-task.ts";
import type { DataRow } from "../rows/data-row.ts";
import { rowsToTokens } from "../rows/row-recipe.ts";
import type { CutReport, Reader, TokenRow } from "../rows/token-row.ts";
import type { Spill } from "../spilling-store.ts";
import type { Evaluation, LanguageSums, Rows, Trainer, TrainOutcome } from "../trainer.ts";
import { adapterPlaces } from "./adapter-plan.ts";
import { type ModelPlace, openLanguageFiles, openLanguageTokenizer } from "./language-files.ts";
import type { LanguageRow } from "./language-rows.ts";
import { openLanguageTrainer } from "./language-trainer.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";
import type { ModelShape } from "./model-shape.ts";

/** Plain data. */
export interface LanguageModelTrainerOptions {
  readonly model: ModelPlace;
  readonly task: LanguageTask;
  readonly rows: readonly DataRow[];
  readonly backend?: BackendPreference;
  /** Bound on the outputs of frozen layers that are kept in memory; see a classifier's. */
  readonly cacheBytes?: number;
  /** Where more of them are kept on the disk; nowhere unless said. */
  readonly spill?: Spill;
}

/** Throws an {@link InputError} about the files, the task, a row or the backend. Blocks its thread while it trains. */
export const openLanguageModelTrainer = async (options: LanguageModelTrainerOptions): Promise<Trainer> => {
  const { task } = options;
  const reader = { ...(await openLanguageTokenizer(options.model)), maxTokens: task.maxTokens };
  const { rows, report } = rowsToTokens(options.rows, task.rows, reader);
  const backend = await openBackend(options.backend);
  const { tf } = backend;
  const model = await loaded(tf, options);
  const { cacheBytes, spill } = options;
  const trainer = openLanguageTrainer(tf, model, {
    plan: task.lora,
    rows: rows.map(languageRow),
    ...frozenA(task),
    ...(cacheBytes === undefined ? {} : { cacheBytes }),
    ...(spill === undefined ? {} : { spill }),
  });
  return {
    backend: `${backend.name} (${backend.version})`,
    notice: backend.notice,
    loss: lossWords(report),
    tensors: trainer.tensors,
    rows: trainer.rows,
    train: async (job, ...listeners) => numbered(rows, await trainer.train(job, ...listeners)),
    evaluate: async (trained, judged) =>
      evaluationOf(await trainer.evaluate(trained, judgedRows(judged, task, reader))),
    close: async () => {
      trainer.close();
      model.dispose();
    },
  };
};

const loaded = async (
  tf: TensorFlow,
  { model: place, task }: LanguageModelTrainerOptions,
): Promise<LoadedModel> => {
  const { shape, weights, close } = await openLanguageFiles(place);
  try {
    expectFitting(shape, task);
    return await loadModel(tf, shape, "language-model", weights);
  } finally {
    await close();
  }
};

/** Throws an {@link InputError} where the contract describes another model than this one. */
const expectFitting = (shape: ModelShape, { family, lora, factors }: LanguageTask): void => {
  const inputs = adapterPlaces(shape, "language-model", lora).map((place) => place.inputs);
  const isSame = factors === undefined || factors.inputs.join() === inputs.join();
  if (family === shape.family && isSame) return;
  throw new InputError({
    code: "contract-task",
    place: "the base model",
    problem: `it is of the family ${shape.family}, and the contract's task was drafted for another model`,
    cure: "ask the provider for a contract drafted from this base model",
  });
};

const frozenA = ({ lora, factors }: LanguageTask): { readonly frozenA?: Float32Array } => {
  if (factors === undefined) return {};
  const drawn = drawnFactors(factors.inputs, lora.rank, factors);
  const flat = new Float32Array(drawn.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const values of drawn) {
    flat.set(values, at);
    at += values.length;
  }
  return { frozenA: flat };
};

const languageRow = ({ ids, learn }: TokenRow): LanguageRow => ({ ids, targets: learn });

const judgedRows = (rows: Rows, task: LanguageTask, reader: Reader): readonly LanguageRow[] =>
  rowsToTokens(
    rows.map((row): DataRow => ({ ...row })),
    task.rows,
    reader,
  ).rows.map(languageRow);

/** Rows that were left out count: the site knows its rows by their places among all. */
const numbered = (rows: readonly TokenRow[], outcome: TrainOutcome): TrainOutcome =>
  outcome.type === "failed" && outcome.code === "non-finite-loss"
    ? { ...outcome, facts: { ...outcome.facts, rows: outcome.facts.rows.map((row) => rows[row]!.row) } }
    : outcome;

const evaluationOf = (sums: LanguageSums): Evaluation => {
  const { rows, answers, lossSum, right } = sums;
  return {
    examples: rows,
    loss: lossSum / answers,
    accuracy: right / answers,
    // Of classes, of which there are none.
    balancedAccuracy: Number.NaN,
    auc: undefined,
    recallAt1PercentFalsePositives: undefined,
    sums,
  };
};

const lossWords = ({ rows, rowsCut, tokensCut, rowsLeftOut }: CutReport): string | undefined => {
  const cut = `${rowsCut} of ${rows} rows were longer than the contract's maxTokens and were cut, by ${tokensCut} tokens in all`;
  const empty = `${rowsLeftOut.length} of ${rows} rows have nothing to learn and are left out`;
  const words = [...(rowsCut === 0 ? [] : [cut]), ...(rowsLeftOut.length === 0 ? [] : [empty])];
  return words.length === 0 ? undefined : words.join("; ");
};
