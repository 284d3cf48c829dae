/**
 * Trains a handful of weights through what models are made of (rows of an embedding, attention, a fused layer, labels)
 * for as many steps as asked, and prints after each tenth what is held.
 */
import { openBackend, type Scalar, type Tensor, type Tensor2D } from "@bulkhead/compute";

export interface Held {
  readonly tensors: number;
  readonly dataIds: number;
  readonly residentBytes: number;
  readonly loss: number;
}

const isBackend = (name: string | undefined): name is "tensorflow" | "wasm" | "cpu" =>
  name === "tensorflow" || name === "wasm" || name === "cpu";

const [name, steps] = process.argv.slice(2);
if (!isBackend(name) || steps === undefined) throw new Error("give a backend and a number of steps");

const { tf } = await openBackend(name);
const TOKENS = tf.tensor1d([3, 0, 5, 3, 1], "int32");
const LABELS = tf.tidy(() => tf.oneHot(tf.tensor1d([1, 0, 2, 1, 0], "int32"), 3, 1, 0, "float32"));

const matrix = (rows: number, columns: number): Tensor2D =>
  tf.tensor2d(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(1 + i * 12.9898)),
    [rows, columns],
  );

const lossOf = (table: Tensor2D, kernel: Tensor2D): Scalar => {
  const x = tf.reshape(tf.gather(table, TOKENS), [1, 5, 4]);
  const mixed = tf.matMul(tf.softmax(tf.matMul(x, x, false, true)), x);
  const logits = tf.fused.matMul({ a: tf.reshape(mixed, [5, 4]), b: kernel, activation: "linear" });
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), LABELS), -1)));
};

const slopes = tf.grads((table: Tensor, kernel: Tensor) =>
  lossOf(tf.reshape(table, [6, 4]), tf.reshape(kernel, [4, 3])),
);

const step = (weights: Tensor2D[]): Tensor2D[] =>
  tf.tidy(() => {
    const gradients = slopes(weights);
    return weights.map((weight, i) => tf.sub<Tensor2D>(weight, tf.mul(gradients[i]!, 0.05)));
  });

let weights = [matrix(6, 4), matrix(4, 3)];
const held: Held[] = [];
for (let i = 1; i <= Number(steps); i++) {
  const next = step(weights);
  for (const weight of weights) weight.dispose();
  weights = next;
  if (i % (Number(steps) / 10) !== 0) continue;
  globalThis.gc?.();
  held.push({
    loss: tf.tidy(() => lossOf(weights[0]!, weights[1]!).dataSync()[0]!),
    tensors: tf.memory().numTensors,
    dataIds: tf.backend().numDataIds(),
    residentBytes: process.memoryUsage.rss(),
  });
}
process.stdout.write(`${JSON.stringify(held)}\n`);
