/**
 * The loss of foretelling tokens, and its gradient, in one go: the head is frozen, so the way back through it can be taken
 * while the probabilities are there. Nothing of the size of rows times vocabulary is made but those, and no one-hot row.
 */
import type { Tensor, Tensor1D, Tensor2D, TensorFlow } from "@bulkhead/compute";

export interface Foretold {
  /** Of each row of `h`. */
  readonly losses: Tensor1D;
  /** Of the sum of the losses, with respect to `h`. */
  readonly gradient: Tensor2D;
}

/** Logits that are held at once. */
const MOST_LOGITS = 2 ** 25;

/** `h` is [n, width], `head` [vocabulary, width]; `labels` has n values. */
export const crossEntropy = (tf: TensorFlow, h: Tensor2D, head: Tensor2D, labels: Int32Array): Foretold => {
  const parts = inChunks(tf, h, head, labels).map(([rows, words]) => foretold(tf, rows, head, words));
  const losses = tf.concat1d(parts.map((part) => part.losses));
  const gradient = tf.concat2d(
    parts.map((part) => part.gradient),
    0,
  );
  return { losses, gradient };
};

/** As {@link crossEntropy}, for who wants no gradient but the most probable token after each row. */
export const judgeWords = (tf: TensorFlow, h: Tensor2D, head: Tensor2D, labels: Int32Array) => {
  const parts = inChunks(tf, h, head, labels).map(([rows, words]) => {
    const logits = tf.matMul<Tensor2D>(rows, head, false, true);
    const { shares, largest, total, ofLabel } = sharesOf(tf, { rows, head, words, logits });
    const best = tf.argMax<Tensor1D>(logits, 1);
    const losses = tf.sub<Tensor1D>(logTotal(tf, total, largest), ofLabel);
    tf.dispose([logits, shares]);
    return { losses, best };
  });
  return {
    losses: tf.concat1d(parts.map(({ losses }) => losses)),
    best: tf.concat1d(parts.map(({ best }) => best)),
  };
};

const inChunks = (
  tf: TensorFlow,
  h: Tensor2D,
  head: Tensor2D,
  labels: Int32Array,
): readonly (readonly [Tensor2D, Int32Array])[] => {
  const chunk = Math.max(1, Math.floor(MOST_LOGITS / head.shape[0]));
  if (labels.length <= chunk) return [[h, labels]];
  return Array.from({ length: Math.ceil(labels.length / chunk) }, (_, i) => {
    const part = labels.subarray(i * chunk, (i + 1) * chunk);
    return [tf.slice2d(h, [i * chunk, 0], [part.length, h.shape[1]]), part];
  });
};

const foretold = (tf: TensorFlow, rows: Tensor2D, head: Tensor2D, words: Int32Array): Foretold =>
  tf.tidy((): Foretold & Record<string, Tensor> => {
    const logits = tf.matMul<Tensor2D>(rows, head, false, true);
    const raw = rawSparseCrossEntropy(tf, logits, tf.tensor1d(words, "int32"));
    if (raw !== undefined) return { losses: raw.losses, gradient: tf.matMul<Tensor2D>(raw.slope, head) };
    const { shares, largest, total, ofLabel, wordRows } = sharesOf(tf, { rows, head, words, logits });
    return {
      losses: tf.sub<Tensor1D>(logTotal(tf, total, largest), ofLabel),
      gradient: tf.sub<Tensor2D>(tf.div<Tensor2D>(tf.matMul(shares, head), total), wordRows),
    };
  });

interface Logits {
  readonly rows: Tensor2D;
  readonly head: Tensor2D;
  readonly words: Int32Array;
  readonly logits: Tensor2D;
}

/** Without an index into the logits, which on a GPU would pass what its floats can count. */
const sharesOf = (tf: TensorFlow, { rows, head, words, logits }: Logits) => {
  const wordRows = tf.gather(head, tf.tensor1d(words, "int32"));
  const largest = tf.max<Tensor2D>(logits, 1, true);
  const shares = tf.exp(tf.sub<Tensor2D>(logits, largest));
  return {
    wordRows,
    largest,
    shares,
    ofLabel: tf.sum<Tensor1D>(tf.mul<Tensor2D>(rows, wordRows), 1),
    total: tf.sum<Tensor2D>(shares, 1, true),
  };
};

const logTotal = (tf: TensorFlow, total: Tensor2D, largest: Tensor2D): Tensor1D =>
  tf.reshape(tf.add<Tensor2D>(tf.log(total), largest), [total.shape[0]]);

interface NativeBackend {
  readonly executeMultipleOutputs: (
    name: string,
    attributes: readonly object[],
    inputs: readonly Tensor[],
    outputs: number,
  ) => Tensor[];
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number; readonly TF_INT32: number };
}

/** TensorFlow's own kernel, which gives losses and p − 1 at the label in one pass; `undefined` on other backends. */
const rawSparseCrossEntropy = (tf: TensorFlow, logits: Tensor2D, labels: Tensor1D) => {
  const backend: unknown = tf.backend();
  if (!isNative(backend)) return undefined;
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding;
  const [losses, slope] = backend.executeMultipleOutputs(
    "SparseSoftmaxCrossEntropyWithLogits",
    [
      { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
      { name: "Tlabels", type: TF_ATTR_TYPE, value: TF_INT32 },
    ],
    [logits, labels],
    2,
  );
  const flat: Tensor1D = tf.reshape(losses!, [labels.size]);
  const square: Tensor2D = tf.reshape(slope!, logits.shape);
  return { losses: flat, slope: square };
};

const isNative = (backend: unknown): backend is NativeBackend =>
  typeof backend === "object" &&
  backend !== null &&
  "executeMultipleOutputs" in backend &&
  typeof backend.executeMultipleOutputs === "function" &&
  "binding" in backend;
