/** Trains the adapters of a language model on a site's rows of tokens, in this thread. */
import { freemem } from "node:os";
import { hashFields, openKeystream, segmentNonce, type Tensor1D, type TensorFlow } from "@bulkhead/compute";
import {
  type Activations,
  memoryStore,
  type Named,
  padded,
  rowsOf,
  type RunFrozen,
} from "../prefix-cache.ts";
import { rowActivations } from "../row-activations.ts";
import { type Spill, type SpillingStore, spillingStore } from "../spilling-store.ts";
import type {
  LanguageSums,
  OnState,
  OnStep,
  TensorSpec,
  Trainer,
  TrainJob,
  TrainOutcome,
} from "../trainer.ts";
import { type StepResult, trainRound } from "../train-round.ts";
import { type AdaptedModel, adaptModel, type Dropout } from "./adapted-model.ts";
import type { LoraPlan } from "./adapter-plan.ts";
import { evaluateRows } from "./evaluate-rows.ts";
import { languageStep } from "./language-loss.ts";
import { answersOf, batchOf, checkRows, type LanguageRow } from "./language-rows.ts";
import type { LoadedModel } from "./load-model.ts";
import { frozenPrefix } from "./model-step.ts";

export interface LanguageTrainerOptions {
  readonly plan: LoraPlan;
  readonly rows: readonly LanguageRow[];
  /** All A one after another, where the plan freezes them. */
  readonly frozenA?: Float32Array;
  /** Rows that run at once; the gradients of a batch's parts are added up. The whole batch unless said. */
  readonly rowsAtOnce?: number;
  /** Bound on the outputs of frozen layers that are kept between rounds; as a classifier's. */
  readonly cacheBytes?: number;
  /** Where more of them are kept; nowhere unless said. */
  readonly spill?: Spill;
  /** Bound on what layers keep for the way back; half of the memory at hand unless said. The results do not depend on it. */
  readonly keptBytes?: number;
}

export interface LanguageTrainer {
  readonly tensors: readonly TensorSpec[];
  readonly rows: number;
  readonly train: Trainer["train"];
  readonly evaluate: (model: Float32Array, rows: readonly LanguageRow[]) => Promise<LanguageSums>;
  /** Layers that the last step ran again for want of memory. */
  readonly rerunLayers: () => number;
  /** The loaded model stays with whoever loaded it. */
  readonly close: () => void;
}

const DEFAULT_CACHE_BYTES = 512 * 2 ** 20;

/** Throws an {@link InputError} about the plan or a row. */
export const openLanguageTrainer = (
  tf: TensorFlow,
  model: LoadedModel,
  options: LanguageTrainerOptions,
): LanguageTrainer => {
  const { plan, rows, frozenA } = options;
  checkRows(model, rows);
  const adapted = adaptModel(tf, model, plan, frozenA);
  const open: Open = { tf, adapted, options, rerun: 0, store: storeOf(options) };
  return {
    tensors: adapted.tensors,
    rows: rows.length,
    train: (job, ...listeners) => train(open, job, ...listeners),
    evaluate: async (trained, judged) => {
      checkRows(model, judged);
      return evaluateRows(tf, adapted, trained, judged);
    },
    rerunLayers: () => open.rerun,
    close: () => {
      open.store.close();
      for (const a of adapted.frozen) a.dispose();
    },
  };
};

interface Open {
  readonly tf: TensorFlow;
  readonly adapted: AdaptedModel;
  readonly options: LanguageTrainerOptions;
  /** Of what frozen layers give for a row. */
  readonly store: SpillingStore;
  rerun: number;
}

const storeOf = ({ cacheBytes = DEFAULT_CACHE_BYTES, spill }: LanguageTrainerOptions): SpillingStore =>
  spill === undefined ? { ...memoryStore(cacheBytes), close: () => {} } : spillingStore(cacheBytes, spill);

const train = (open: Open, job: TrainJob, onStep?: OnStep, onState?: OnState): Promise<TrainOutcome> => {
  const { tf, adapted, options } = open;
  const { rows } = options;
  const activations = rows.length === 0 ? async () => [] : frozenRows(open, job.shuffleSeed);
  const step = async (parameters: Tensor1D, drawn: readonly number[], index: number): Promise<StepResult> =>
    batchStep(open, parameters, {
      rows: drawn.map((row) => rows[row]!),
      activations: await activations(drawn),
      dropoutKey: hashFields("dropout", job.shuffleSeed, String(index)),
      ...(job.rowsAtOnce === undefined ? {} : { rowsAtOnce: job.rowsAtOnce }),
    });
  return trainRound({ tf, specs: adapted.tensors, rows: rows.length, step }, job, onStep, onState);
};

/** Without a frozen layer there is nothing worth keeping. */
const frozenRows = ({ tf, adapted, options, store }: Open, seed: Uint8Array) => {
  const { model, firstTrained } = adapted;
  if (firstTrained === 0) return async () => undefined;
  const { rows, cacheBytes = DEFAULT_CACHE_BYTES, spill } = options;
  const rowBytes = 4 * model.shape.width * Math.max(...rows.map(({ ids }) => ids.length));
  const keptRows = Math.min(rows.length, Math.floor((cacheBytes + (spill?.mostBytes ?? 0)) / rowBytes));
  const run: RunFrozen<Named> = (batch) => {
    const tokens = batchOf(batch.map(({ name }) => rows[Number(name)]!));
    return rowsOf(frozenPrefix(tf, model, tokens, firstTrained), tokens);
  };
  return rowActivations(
    {
      run,
      rows: rows.length,
      named: (row) => ({ name: String(row) }),
      keptRows,
      store,
    },
    seed,
  );
};

interface StepRows {
  readonly rows: readonly LanguageRow[];
  /** Of each row; `undefined` where nothing is frozen. */
  readonly activations: readonly Activations[] | undefined;
  readonly dropoutKey: Uint8Array;
  readonly rowsAtOnce?: number;
}

/** The mean over all answers of the batch, whichever rows run at once. */
const batchStep = async (open: Open, parameters: Tensor1D, step: StepRows): Promise<StepResult> => {
  const { tf, options } = open;
  const rowsAtOnce = step.rowsAtOnce ?? options.rowsAtOnce ?? step.rows.length;
  const rowLosses: number[] = [];
  let [lossSum, answers] = [0, 0];
  let gradient: Tensor1D | undefined;
  for (let at = 0; at < step.rows.length; at += rowsAtOnce) {
    const part = partStep(open, parameters, step, [at, at + rowsAtOnce]);
    const losses = await part.losses.data<"float32">();
    part.losses.dispose();
    for (const [i, loss] of losses.entries()) {
      const row = part.rowOfAnswer[i]!;
      rowLosses[row] = (rowLosses[row] ?? 0) + loss;
      lossSum += loss;
    }
    answers += losses.length;
    gradient = summed(tf, gradient, part.gradient);
  }
  const mean = tf.tidy(() => tf.mul<Tensor1D>(gradient!, 1 / answers));
  gradient!.dispose();
  return { rowLosses, meanLoss: lossSum / answers, gradient: mean };
};

const summed = (tf: TensorFlow, sum: Tensor1D | undefined, part: Tensor1D): Tensor1D => {
  if (sum === undefined) return part;
  const both = tf.add<Tensor1D>(sum, part);
  sum.dispose();
  part.dispose();
  return both;
};

const partStep = (
  open: Open,
  parameters: Tensor1D,
  { rows, activations, dropoutKey }: StepRows,
  [from, end]: readonly [number, number],
) => {
  const { tf, adapted, options } = open;
  const batch = batchOf(rows.slice(from, end));
  const values = activations && padded(activations.slice(from, end), adapted.model.shape.width).values;
  const prefix = values && tf.tensor2d(values, [batch.rows * batch.length, adapted.model.shape.width]);
  const { plan, keptBytes = freemem() / 2 } = options;
  const dropout = plan.dropout
    ? dropoutOf(tf, plan.dropout, hashFields(dropoutKey, String(from)))
    : undefined;
  const setting = { adapted, keptBytes, ...(dropout === undefined ? {} : { dropout }) };
  const result = languageStep(tf, setting, parameters, {
    batch,
    ...(prefix === undefined ? {} : { prefix }),
  });
  open.rerun = result.rerun;
  const rowOfAnswer = answersOf(batch).places.map((place) => from + Math.floor(place / batch.length));
  return { ...result, rowOfAnswer };
};

/** From a keystream, so that a layer that is run again drops the same, and every backend too. */
const dropoutOf =
  (tf: TensorFlow, share: number, key: Uint8Array): Dropout =>
  (place, shape) => {
    const { buffer } = openKeystream({ key, nonce: segmentNonce(place), offset: 0 }).next(
      2 * shape[0] * shape[1],
    );
    const bits = new Uint16Array(buffer);
    const dropped = Math.round(share * 2 ** 16);
    const kept = 1 / (1 - dropped / 2 ** 16);
    return tf.tensor2d(
      Float32Array.from(bits, (word) => (word < dropped ? 0 : kept)),
      [...shape],
    );
  };
