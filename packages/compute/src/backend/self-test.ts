/**
 * Whether a backend computes what plain arithmetic says. A backend that gives wrong numbers without an error is worse
 * than none, and there are such: so each is asked at opening for what training needs of it.
 */
import type { Tensor, TensorFlow } from "./tensorflow.ts";

const TOLERANCE = 1e-4;

/** What the first wrong answer was to; `undefined` when all were right. Leaves no tensor behind. */
export const backendSelfTest = async (tf: TensorFlow): Promise<string | undefined> => {
  for (const [name, check] of CHECKS) {
    let answers: readonly Answer[] = [];
    tf.tidy(() => {
      answers = check(tf);
      return answers.map(({ got }) => got);
    });
    const errors = await Promise.all(answers.map(largestDifference));
    const error = errors.find((each) => !(each <= TOLERANCE));
    if (error !== undefined) return `${name} is off by ${error.toPrecision(2)}`;
  }
  return undefined;
};

interface Answer {
  readonly got: Tensor;
  readonly wanted: ArrayLike<number>;
}

/** Numbers in −1…1 without a pattern that a wrong stride would keep. */
const numbers = (count: number, start: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(start + i * 12.9898) * Math.cos(i * 0.731));

/** Asynchronously, which a GPU can do alone. Disposes of the answer. */
const largestDifference = async ({ got, wanted }: Answer): Promise<number> => {
  const values = await got.data();
  got.dispose();
  if (values.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (const [i, value] of values.entries()) {
    const difference = Math.abs(value - wanted[i]!);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
};

interface Sides {
  readonly batch: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** Batches of products by the definition. */
const plainMatMul = (
  a: Float32Array,
  b: Float32Array,
  { batch, rows, inner, columns }: Sides,
): Float32Array => {
  const out = new Float32Array(batch * rows * columns);
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < inner; k++)
          sum += a[(n * rows + i) * inner + k]! * b[(n * inner + k) * columns + j]!;
        out[(n * rows + i) * columns + j] = sum;
      }
  return out;
};

const matMuls = (tf: TensorFlow): readonly Answer[] => {
  const sides = { batch: 3, rows: 17, inner: 65, columns: 9 };
  const { batch, rows, inner, columns } = sides;
  const [a, b] = [numbers(batch * rows * inner, 1), numbers(batch * inner * columns, 2)];
  const wanted = plainMatMul(a, b, sides);
  const left = tf.tensor3d(a, [batch, rows, inner]);
  const right = tf.tensor3d(b, [batch, inner, columns]);
  const turned = (x: typeof left) => tf.transpose(x, [0, 2, 1]);
  return [
    tf.matMul(left, right),
    tf.matMul(turned(left), right, true, false),
    tf.matMul(left, turned(right), false, true),
    tf.matMul(turned(left), turned(right), true, true),
  ].map((got) => ({ got, wanted }));
};

/** For f = ½ Σ (x w)², the gradient with respect to w is xᵀ (x w). */
const matMulGradient = (tf: TensorFlow): readonly Answer[] => {
  const [rows, inner, columns] = [19, 33, 7];
  const [x, w] = [numbers(rows * inner, 3), numbers(inner * columns, 4)];
  const y = plainMatMul(x, w, { batch: 1, rows, inner, columns });
  const turned = Float32Array.from(
    { length: x.length },
    (_, i) => x[(i % rows) * inner + Math.floor(i / rows)]!,
  );
  const wanted = plainMatMul(turned, y, { batch: 1, rows: inner, inner: rows, columns });
  const input = tf.tensor2d(x, [rows, inner]);
  const gradient = tf.grad((weights: Tensor) => tf.mul(tf.sum(tf.square(tf.matMul(input, weights))), 0.5));
  return [{ got: gradient(tf.tensor2d(w, [inner, columns])), wanted }];
};

const softmax = (tf: TensorFlow): readonly Answer[] => {
  const logits = numbers(13, 9);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
  const wanted = logits.map((logit) => Math.exp(logit) / sum);
  return [{ got: tf.softmax(tf.tensor2d(logits, [1, 13])), wanted }];
};

/** The softmax of a row minus the label's 1 is the gradient of its cross-entropy. */
const softmaxGradient = (tf: TensorFlow): readonly Answer[] => {
  const logits = numbers(13, 5);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
  const wanted = logits.map((logit, i) => Math.exp(logit) / sum - (i === 4 ? 1 : 0));
  const label = tf.oneHot(tf.tensor1d([4], "int32"), 13);
  const loss = (x: Tensor) => tf.neg(tf.sum(tf.mul(tf.logSoftmax(x), label)));
  return [{ got: tf.grad(loss)(tf.tensor2d(logits, [1, 13])), wanted }];
};

/** The gradient of Σ exp(x) · tanh(x), and three values of the error function. */
const elementwiseGradients = (tf: TensorFlow): readonly Answer[] => {
  const x = numbers(77, 6);
  const wanted = x.map(
    (value) => Math.exp(value) * (1 - Math.tanh(value) ** 2) + Math.exp(value) * Math.tanh(value),
  );
  const gradient = tf.grad((input: Tensor) => tf.sum(tf.mul(tf.exp(input), tf.tanh(input))));
  return [
    { got: tf.erf(tf.tensor1d([-0.5, 0, 1])), wanted: [-0.5204999, 0, 0.8427008] },
    { got: gradient(tf.tensor2d(x, [7, 11])), wanted },
  ];
};

/** Rows that are taken twice collect both gradients. */
const gatherGradient = (tf: TensorFlow): readonly Answer[] => {
  const weights = tf.tensor2d(numbers(12, 7), [4, 3]);
  const gradient = tf.grad((table: Tensor) => tf.sum(tf.mul(tf.gather(table, [2, 0, 2, 2]), weights)));
  const w = numbers(12, 7);
  const wanted = Array.from({ length: 15 }, (_, i) => {
    const [row, column] = [Math.floor(i / 3), i % 3];
    const at = (taken: number) => w[3 * taken + column]!;
    return row === 2 ? at(0) + at(2) + at(3) : row === 0 ? at(1) : 0;
  });
  return [{ got: gradient(tf.tensor2d(numbers(15, 8), [5, 3])), wanted }];
};

const CHECKS: readonly (readonly [string, (tf: TensorFlow) => readonly Answer[]])[] = [
  ["matMul", matMuls],
  ["the gradient of matMul", matMulGradient],
  ["softmax", softmax],
  ["the gradient of softmax", softmaxGradient],
  ["an elementwise gradient", elementwiseGradients],
  ["the gradient of gather", gatherGradient],
];
