/**
 * The slow twin of the encoder with adapters and head: BERT [DCLT19] with LoRA [HSW+21] written as its definition, row
 * by row and token by token in 64-bit numbers, with no factor moved anywhere. Gradients by differences.
 */
type Vector = readonly number[];
type Rows = readonly Vector[];

export interface SlowTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

export interface SlowTask {
  readonly layers: number;
  readonly heads: number;
  readonly epsilon: number;
  readonly classes: number;
  readonly rank: number;
  readonly alpha: number;
  readonly adapted: readonly number[];
  readonly logitScale: number;
}

export interface SlowClassifier {
  readonly task: SlowTask;
  /** The base model's tensors. */
  readonly weights: readonly SlowTensor[];
  /** The trainable tensors by name. */
  readonly trainable: readonly SlowTensor[];
}

const dot = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const add = (a: Vector, b: Vector): Vector => a.map((value, i) => value + b[i]!);
const times = (a: Vector, factor: number): Vector => a.map((value) => value * factor);
const mean = (a: Vector): number => a.reduce((sum, value) => sum + value, 0) / a.length;

const matrices = new WeakMap<SlowTensor, Rows>();

/** Matrices as lists of rows, vectors as one row; cut once for each tensor. */
const matrixOf = (tensors: readonly SlowTensor[], name: string): Rows => {
  const tensor = tensors.find((each) => each.name === name);
  if (tensor === undefined) throw new Error(`no tensor ${name}`);
  const known = matrices.get(tensor);
  if (known !== undefined) return known;
  const columns = tensor.shape.at(-1)!;
  const values = Array.from(tensor.values);
  const rows = Array.from({ length: values.length / columns }, (_, row) =>
    values.slice(row * columns, (row + 1) * columns),
  );
  matrices.set(tensor, rows);
  return rows;
};

const vectorOf = (tensors: readonly SlowTensor[], name: string): Vector => matrixOf(tensors, name)[0]!;

const dense = (weights: readonly SlowTensor[], name: string, x: Vector): Vector =>
  add(
    matrixOf(weights, `${name}.weight`).map((row) => dot(row, x)),
    vectorOf(weights, `${name}.bias`),
  );

const layerNorm = (weights: readonly SlowTensor[], name: string, x: Vector, epsilon: number): Vector => {
  const centre = mean(x);
  const variance = mean(x.map((value) => (value - centre) ** 2));
  const [scale, shift] = [vectorOf(weights, `${name}.weight`), vectorOf(weights, `${name}.bias`)];
  return x.map((value, i) => (scale[i]! * (value - centre)) / Math.sqrt(variance + epsilon) + shift[i]!);
};

/** By its series, which converges for every x; exact to about 1e-15 for |x| < 4, where 1 is reached beyond. */
export const erf = (x: number): number => {
  if (Math.abs(x) > 6) return Math.sign(x);
  // e^(−x²) Σ 2^(n+1) x^(2n+1) / (√π (2n+1)!!): all terms have one sign, so that nothing cancels.
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
};

const gelu = (x: number): number => (x / 2) * (1 + erf(x / Math.SQRT2));

const softmax = (scores: Vector): Vector => {
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
};

const projected = (model: SlowClassifier, layer: number, part: string, x: Vector): Vector => {
  const name = `encoder.layer.${layer}.attention.self.${part}`;
  const frozen = dense(model.weights, name, x);
  const { rank, alpha, adapted } = model.task;
  if (part === "key" || !adapted.includes(layer)) return frozen;
  const a = matrixOf(model.trainable, `base_model.model.${name}.lora_A.weight`);
  const b = matrixOf(model.trainable, `base_model.model.${name}.lora_B.weight`);
  const low = a.map((row) => dot(row, x));
  return add(
    frozen,
    times(
      b.map((row) => dot(row, low)),
      alpha / rank,
    ),
  );
};

const attention = (model: SlowClassifier, layer: number, x: Rows): Rows => {
  const [q, k, v] = ["query", "key", "value"].map((part) =>
    x.map((token) => projected(model, layer, part, token)),
  );
  const { heads } = model.task;
  const side = x[0]!.length / heads;
  const part = (token: Vector, head: number) => token.slice(head * side, (head + 1) * side);
  return x.map((_, i) =>
    Array.from({ length: heads }, (_head, head) => {
      const scores = k!.map((key) => dot(part(q![i]!, head), part(key, head)) / Math.sqrt(side));
      const shares = softmax(scores);
      return v!.map((value, j) => times(part(value, head), shares[j]!)).reduce(add);
    }).flat(),
  );
};

const runLayer = (model: SlowClassifier, layer: number, x: Rows): Rows => {
  const name = `encoder.layer.${layer}`;
  const { weights, task } = model;
  return attention(model, layer, x).map((context, i) => {
    const attended = layerNorm(
      weights,
      `${name}.attention.output.LayerNorm`,
      add(x[i]!, dense(weights, `${name}.attention.output.dense`, context)),
      task.epsilon,
    );
    const inner = dense(weights, `${name}.intermediate.dense`, attended).map(gelu);
    const out = add(attended, dense(weights, `${name}.output.dense`, inner));
    return layerNorm(weights, `${name}.output.LayerNorm`, out, task.epsilon);
  });
};

/** The last hidden states' mean with length 1, for one text's tokens without padding. */
export const slowDirection = (model: SlowClassifier, ids: readonly number[]): Vector => {
  const { weights, task } = model;
  const [words, positions, types] = ["word", "position", "token_type"].map((kind) =>
    matrixOf(weights, `embeddings.${kind}_embeddings.weight`),
  );
  let x: Rows = ids.map((id, i) =>
    layerNorm(
      weights,
      "embeddings.LayerNorm",
      add(add(words![id]!, positions![i]!), types![0]!),
      task.epsilon,
    ),
  );
  for (let layer = 0; layer < task.layers; layer++) x = runLayer(model, layer, x);
  const pooled = times(x.reduce(add), 1 / x.length);
  return times(pooled, 1 / Math.sqrt(dot(pooled, pooled)));
};

export const slowLogits = (model: SlowClassifier, ids: readonly number[]): Vector => {
  const z = slowDirection(model, ids);
  const bias = vectorOf(model.trainable, "classifier.bias");
  return matrixOf(model.trainable, "classifier.weight").map(
    (row, c) => model.task.logitScale * dot(row, z) + bias[c]!,
  );
};

export const slowCrossEntropy = (logits: Vector, label: number): number => -Math.log(softmax(logits)[label]!);

export interface SlowRow {
  readonly ids: readonly number[];
  readonly label: number;
}

/** The mean over rows, and its gradient in the order of the flat vector by central differences. */
export const slowLoss = (model: SlowClassifier, rows: readonly SlowRow[]): number =>
  mean(rows.map(({ ids, label }) => slowCrossEntropy(slowLogits(model, ids), label)));

const STEP = 1e-5;

export const slowGradient = (model: SlowClassifier, rows: readonly SlowRow[]): Vector =>
  model.trainable.flatMap(({ values }, tensor) =>
    Array.from(values, (_, i) => {
      const lossAt = (change: number) => slowLoss(withChange(model, tensor, i, change), rows);
      return (lossAt(STEP) - lossAt(-STEP)) / (2 * STEP);
    }),
  );

const withChange = (model: SlowClassifier, tensor: number, i: number, change: number): SlowClassifier => ({
  ...model,
  trainable: model.trainable.map((each, at) => {
    return at === tensor
      ? { ...each, values: Array.from(each.values, (value, j) => value + (j === i ? change : 0)) }
      : each;
  }),
});
