/**
 * What a trainer is to the rest: something that holds a site's rows and turns a model into an update. The model is one
 * flat vector, its tensors in the order of {@link Trainer.tensors}; nothing here says which network is behind it.
 */
import type { DataRow } from "./rows/data-row.ts";

export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface Example {
  readonly text: string;
  /** The class, from 0. */
  readonly label: number;
}

/** A classifier's, or a language model's by the names of its recipe's columns. */
export type Rows = readonly Example[] | readonly DataRow[];

export type Optimiser =
  | {
      readonly type: "adam";
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      /** Decoupled from the gradient [LH19]: AdamW. */
      readonly weightDecay?: number;
    }
  | { readonly type: "sgd"; readonly momentum?: number };

/**
 * `linear-decay` multiplies the rate of round r of R by 1 − (r − 1)/R; it is constant within a round. The others go by
 * the site's steps over all rounds.
 */
export type Schedule = "constant" | "linear-decay" | StepSchedule;

/** After `warmUpSteps`, over which the rate rises in equal parts, it falls by this curve and never below `floor` of itself. */
export interface StepSchedule {
  readonly type: "linear" | "cosine" | "constant";
  /** A share of the rate; 0 unless said. */
  readonly floor?: number;
  readonly warmUpSteps?: number;
}

/** One round of local training: a pure function of this and the site's rows, so that it can be repeated. */
export interface TrainJob {
  /** The global model, flat; it is not changed. */
  readonly model: Float32Array;
  /** From 1. */
  readonly round: number;
  readonly rounds: number;
  readonly localSteps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Its state is fresh in each round. */
  readonly optimiser: Optimiser;
  /** The gradient of a batch is shortened to this length; not at all unless said. */
  readonly clipNorm?: number;
  readonly schedule: Schedule;
  /**
   * 32 bytes, a secret of the site, the same in all rounds: with the round they fix which rows stand in which batch.
   */
  readonly shuffleSeed: Uint8Array;
  /** Rows of a batch that run at once; all of them unless said. Only a language model's trainer parts a batch. */
  readonly rowsAtOnce?: number;
  /** Where an earlier run of this very job stood: training goes on from there, to the same bits. */
  readonly from?: TrainState;
  /** After a step, when so much time has passed, the state is given out; never unless said. */
  readonly stateEveryMs?: number;
}

/** Between two steps: all that the rest of the round depends on besides the job and the rows. It is as secret as an update. */
export interface TrainState {
  /** Steps that are done. */
  readonly step: number;
  readonly lossSum: number;
  readonly parameters: Float32Array;
  /** Of the optimiser, in its order: vectors of the same length. */
  readonly moments: readonly Float32Array[];
}

export type OnStep = (step: number, loss: number) => void;
/** See {@link TrainJob.stateEveryMs}. */
export type OnState = (state: TrainState) => void;

export type TrainOutcome =
  | {
      readonly type: "trained";
      /** The trained model minus the model of the job. */
      readonly update: Float32Array;
      /** How many rows were drawn, repetitions counted: the divisor of `lossSum`. */
      readonly examples: number;
      readonly lossSum: number;
    }
  | TrainFailure;

/** Why a site leaves the round. Rows are counted from 0 in the order in which the trainer was given them. */
export type TrainFailure = { readonly type: "failed" } & (
  | {
      readonly code: "non-finite-loss";
      readonly facts: { readonly step: number; readonly rows: readonly number[] };
    }
  | { readonly code: "non-finite-update"; readonly facts: { readonly tensors: readonly string[] } }
  | { readonly code: "model-length"; readonly facts: { readonly expected: number; readonly given: number } }
  | { readonly code: "no-rows"; readonly facts: { readonly rows: 0 } }
);

export interface Evaluation {
  readonly examples: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  readonly accuracy: number;
  /** Mean over the classes of the share of their examples that were found. */
  readonly balancedAccuracy: number;
  /** Area under the ROC curve of class 1 against class 0; `undefined` unless there are exactly these two. */
  readonly auc: number | undefined;
  /** Of a language model, whose `examples` are rows and whose other figures are means over answered tokens. */
  readonly sums?: LanguageSums;
  /** Share of class 1 found at the lowest threshold that takes at most 1 % of class 0 for it; as `auc`. */
  readonly recallAt1PercentFalsePositives: number | undefined;
}

/** Over rows, so that those of several sites can be added up. */
export interface LanguageSums {
  readonly rows: number;
  /** Tokens that were to be foretold. */
  readonly answers: number;
  readonly lossSum: number;
  /** Answers whose token was the most probable one. */
  readonly right: number;
  /** Rows all of whose answers were. */
  readonly exact: number;
}

export interface Trainer {
  /** The backend that runs it, with its version, for logs and reports. */
  readonly backend: string;
  /** Why it is slower than it could be on this machine and what would cure that; for the person who waits. */
  readonly notice: string | undefined;
  /** What of the rows could not be used, such as what was cut; for the person whose rows they are. */
  readonly loss?: string | undefined;
  readonly tensors: readonly TensorSpec[];
  /** How many rows the site has. */
  readonly rows: number;
  readonly train: (job: TrainJob, onStep?: OnStep, onState?: OnState) => Promise<TrainOutcome>;
  /** Of the kind of rows that the trainer trains on. */
  readonly evaluate: (model: Float32Array, rows: Rows) => Promise<Evaluation>;
  readonly close: () => Promise<void>;
}

/** How an encoder becomes a classifier: plain data, part of what both sides sign. */
export interface ClassifierTask {
  readonly classes: number;
  /** Longest input in tokens, [CLS] and [SEP] included. */
  readonly maxTokens: number;
  /** Low-rank adapters on the query and value projections of these encoder layers, counted from 0. */
  readonly lora: { readonly rank: number; readonly alpha: number; readonly layers: readonly number[] };
  /** logits = logitScale · (z Wᵀ) + b, where z is the mean of the last hidden states with length 1. */
  readonly logitScale: number;
}

/** How many values the flat vector of these tensors has. */
export const parameterCount = (tensors: readonly TensorSpec[]): number =>
  tensors.reduce((count, { shape }) => count + shape.reduce((size, side) => size * side, 1), 0);
