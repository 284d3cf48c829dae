/** The trainer of a text classifier: a frozen encoder, adapters and a head, trained on a site's rows in this thread. */
import { InputError, invariant } from "@bulkhead/base";
import {
  type Backend,
  type BackendPreference,
  openBackend,
  type Tensor,
  type Tensor1D,
  type TensorFlow,
} from "@bulkhead/compute";
import { checkTask, type Classifier, classifierSpecs, classify, firstTrainedLayer } from "./classifier.ts";
import { loadEncoder } from "./encoder.ts";
import { evaluationOf, type Judged } from "./evaluation.ts";
import { sizeOf } from "./flat.ts";
import { readEncoderConfig, readWeights } from "./model-folder.ts";
import {
  type Activations,
  type ActivationStore,
  activationsOf,
  memoryStore,
  type NamedText,
  padded,
  type RunFrozen,
  textPrefix,
} from "./prefix-cache.ts";
import { type RowActivations, rowActivations } from "./row-activations.ts";
import { openTokenizer } from "./tokenizer/tokenizer.ts";
import {
  type ClassifierTask,
  type Example,
  type OnState,
  type OnStep,
  type Rows,
  type TensorSpec,
  type TrainJob,
  type TrainOutcome,
  type Trainer,
} from "./trainer.ts";
import { trainRound } from "./train-round.ts";

export interface ClassifierTrainerOptions {
  /** A BERT encoder in Hugging Face layout. */
  readonly modelFolder: string;
  readonly task: ClassifierTask;
  readonly examples: readonly Example[];
  readonly backend?: BackendPreference;
  /**
   * Bound on the activations of frozen layers that are kept between rounds; 512 MiB unless said. The last bits of an
   * update depend on it: a round that may have to be trained again is trained with the same.
   */
  readonly cacheBytes?: number;
}

export interface ClassifierTrainer extends Trainer {
  /** What `evaluate` makes its figures of: the logits of each example, in order. */
  readonly judge: (model: Float32Array, examples: readonly Example[]) => Promise<readonly Judged[]>;
}

/** What a trainer has open. */
interface Open {
  readonly tf: TensorFlow;
  readonly classifier: Classifier;
  readonly specs: readonly TensorSpec[];
  readonly prefix: RunFrozen<NamedText>;
  readonly rowActivations: RowActivations;
  /** Of texts that are judged. */
  readonly judged: ActivationStore;
  readonly examples: readonly Example[];
}

const DEFAULT_CACHE_BYTES = 512 * 2 ** 20;

/**
 * Throws an {@link InputError} about the folder, the task, a label or the backend. Blocks its thread while it trains.
 * A `store` is used instead of the trainer's own for all activations of frozen layers, whoever they were computed beside.
 */
export const openClassifierTrainer = async (
  options: ClassifierTrainerOptions,
  store?: ActivationStore,
): Promise<ClassifierTrainer> => {
  const { modelFolder, task, examples, cacheBytes = DEFAULT_CACHE_BYTES } = options;
  const config = await readEncoderConfig(modelFolder);
  checkTask(config, task);
  checkLabels(examples, task.classes);
  const tokenize = await openTokenizer(modelFolder, task.maxTokens);
  const backend = await openBackend(options.backend);
  const { tf } = backend;
  const encoder = loadEncoder(tf, config, await readWeights(modelFolder));
  const prefix = textPrefix({ tf, encoder, tokenize, end: firstTrainedLayer(config, task) });
  const rowBytes = 4 * task.maxTokens * config.width;
  const keptRows = Math.min(examples.length, Math.floor(cacheBytes / rowBytes));
  const rows = {
    run: prefix,
    rows: examples.length,
    named: (row: number): NamedText => ({ name: String(row), text: examples[row]!.text }),
    keptRows,
    store: store ?? memoryStore(keptRows * rowBytes),
  };
  const open: Open = {
    tf,
    classifier: { encoder, task },
    specs: classifierSpecs(config, task),
    prefix,
    rowActivations: (seed) => rowActivations(rows, seed),
    judged: store ?? memoryStore(cacheBytes - keptRows * rowBytes),
    examples,
  };
  return trainerOf(open, backend);
};

const trainerOf = (open: Open, { name, version, notice }: Backend): ClassifierTrainer => ({
  backend: `${name} (${version})`,
  notice,
  tensors: open.specs,
  rows: open.examples.length,
  train: (job, ...listeners) => train(open, job, ...listeners),
  judge: (model, examples) => judge(open, model, examples),
  evaluate: async (model, rows) =>
    evaluationOf(await judge(open, model, examplesOf(rows)), open.classifier.task.classes),
  close: async () => open.classifier.encoder.dispose(),
});

const examplesOf = (rows: Rows): readonly Example[] =>
  rows.map((row) => {
    const { text, label } = row;
    invariant(typeof text === "string" && typeof label === "number", "a classifier judges examples");
    return { text, label };
  });

const checkLabels = (examples: readonly Example[], classes: number): void => {
  const row = examples.findIndex(({ label }) => !Number.isInteger(label) || label < 0 || label >= classes);
  if (row < 0) return;
  throw new InputError({
    code: "data-label",
    place: `row ${row + 1} of the data`,
    problem: `its label is not a whole number from 0 to ${classes - 1}`,
    cure: "correct the row or the mapping of columns",
  });
};

const train = (open: Open, job: TrainJob, onStep?: OnStep, onState?: OnState): Promise<TrainOutcome> => {
  const { tf, specs, examples } = open;
  const activations = open.rowActivations(job.shuffleSeed);
  const step = async (parameters: Tensor1D, rows: readonly number[]) => {
    const { losses, gradient } = await lossesAndGradient(open, parameters, {
      labels: rows.map((row) => examples[row]!.label),
      activations: await activations(rows),
    });
    return {
      rowLosses: losses,
      meanLoss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
      gradient,
    };
  };
  return trainRound({ tf, specs, rows: examples.length, step }, job, onStep, onState);
};

interface LabelledBatch {
  readonly labels: readonly number[];
  readonly activations: readonly Activations[];
}

/** The loss of each row, and the gradient of their mean with respect to the flat parameters. */
const lossesAndGradient = async (open: Open, parameters: Tensor1D, batch: LabelledBatch) => {
  const { tf, classifier, specs } = open;
  const { width } = classifier.encoder.config;
  const { values, ...shape } = padded(batch.activations, width);
  const results = tf.tidy(() => {
    const x = tf.tensor2d(values, [shape.rows * shape.length, width]);
    const labels = tf.oneHot(tf.tensor1d([...batch.labels], "int32"), classifier.task.classes);
    let losses: Tensor | undefined;
    const meanLoss = (...trainable: Tensor[]) => {
      const logits = classify(tf, classifier, trainable, { x, ...shape });
      losses = tf.keep(tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), labels), 1)));
      return tf.mean(losses);
    };
    const { grads } = tf.valueAndGrads(meanLoss)(sliced(tf, specs, parameters));
    return { losses: losses!, gradient: tf.concat1d(grads.map((gradient) => tf.reshape(gradient, [-1]))) };
  });
  const losses = await results.losses.data<"float32">();
  results.losses.dispose();
  return { losses, gradient: results.gradient };
};

/** The tensors in the flat vector. */
const sliced = (tf: TensorFlow, specs: readonly TensorSpec[], flat: Tensor1D): Tensor[] => {
  let at = 0;
  return specs.map((spec) => {
    const start = at;
    at += sizeOf(spec);
    return tf.reshape(tf.slice1d(flat, start, sizeOf(spec)), [...spec.shape]);
  });
};

/** Rows judged at once. */
const EVALUATION_BATCH = 32;

const judge = async (
  { tf, classifier, specs, prefix, judged: store }: Open,
  model: Float32Array,
  examples: readonly Example[],
): Promise<readonly Judged[]> => {
  const { task, encoder } = classifier;
  checkLabels(examples, task.classes);
  const { width } = encoder.config;
  const judged: Judged[] = [];
  for (let at = 0; at < examples.length; at += EVALUATION_BATCH) {
    const batch = examples.slice(at, at + EVALUATION_BATCH);
    const named = batch.map(({ text }) => ({ name: text, text }));
    const activations = await activationsOf(prefix, store, named, () => named);
    const { values, ...shape } = padded(activations, width);
    const logits = tf.tidy(() => {
      const x = tf.tensor2d(values, [shape.rows * shape.length, width]);
      return classify(tf, classifier, sliced(tf, specs, tf.tensor1d(model)), { x, ...shape });
    });
    const flat = await logits.data<"float32">();
    logits.dispose();
    for (const [i, { label }] of batch.entries())
      judged.push({ label, logits: flat.subarray(i * task.classes, (i + 1) * task.classes) });
  }
  return judged;
};
