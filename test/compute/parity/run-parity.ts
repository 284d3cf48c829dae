/** Runs rows of the table on the backend in force and says how each came out. */
import type { Tensor, TensorFlow } from "@bulkhead/compute";
import { type PlainTensor, sizeOf } from "../../reference/plain-tensor.ts";
import { DEFAULT_TOLERANCE, type ParityCase } from "./parity-case.ts";

/** `none` where there is no gradient to compare. */
export type Verdict =
  | { readonly type: "right" | "none" }
  | { readonly type: "refused"; readonly message: string }
  /** `difference`: relative to the largest value; infinite where shape or type differ. */
  | { readonly type: "wrong"; readonly message: string; readonly difference: number };

export interface ParityResult {
  readonly name: string;
  readonly forward: Verdict;
  readonly gradient: Verdict;
}

const RIGHT: Verdict = { type: "right" };
const NONE: Verdict = { type: "none" };
const wrong = (message: string, difference = Number.POSITIVE_INFINITY): Verdict => ({
  type: "wrong",
  message,
  difference,
});

export const runParity = async (tf: TensorFlow, row: ParityCase): Promise<ParityResult> => {
  const forward = await judged(() => forwardVerdict(tf, row));
  const gradient =
    row.gradient && forward.type !== "refused" ? await judged(() => gradientVerdict(tf, row)) : NONE;
  return { name: row.name, forward, gradient };
};

const judged = async (judge: () => Promise<Verdict>): Promise<Verdict> => {
  try {
    return await judge();
  } catch (error) {
    return { type: "refused", message: error instanceof Error ? error.message : String(error) };
  }
};

const forwardVerdict = async (tf: TensorFlow, row: ParityCase): Promise<Verdict> => {
  const wanted = row.plain(...row.inputs);
  const got = tf.tidy(() => row.run(tf, ...row.inputs.map((input) => tensorOf(tf, input))));
  const values = await taken(got);
  if (got.shape.join() !== wanted.shape.join())
    return wrong(`shape ${got.shape.join()} for ${wanted.shape.join()}`);
  if (got.dtype !== wanted.dtype) return wrong(`${got.dtype} for ${wanted.dtype}`);
  const tolerance = wanted.dtype === "float32" ? (row.tolerance ?? DEFAULT_TOLERANCE) : 0;
  return verdict(largestDifference(values, wanted.values) / largest(wanted.values), tolerance);
};

const verdict = (difference: number, tolerance: number): Verdict =>
  difference <= tolerance ? RIGHT : wrong(`off by ${difference.toExponential(1)}`, difference);

const tensorOf = (tf: TensorFlow, { values, shape, dtype }: PlainTensor): Tensor =>
  tf.tensor(dtype === "int32" ? Int32Array.from(values) : Float32Array.from(values), [...shape], dtype);

/** Asynchronously: some backends can give values in no other way. */
const taken = async (x: Tensor): Promise<ArrayLike<number>> => {
  const values = await x.data();
  x.dispose();
  return values;
};

/**
 * The gradient of Σ w · f(x), for fixed weights w of every place, against differences of f in 64 bits along directions
 * that move all coordinates at once: a wrong coordinate shows in each of them.
 */
const gradientVerdict = async (tf: TensorFlow, row: ParityCase): Promise<Verdict> => {
  const weights = patterned(sizeOf(row.plain(...row.inputs).shape), 1.7);
  const gradients = await gradientsOf(tf, row, weights);
  let difference = 0;
  for (const [which, { shape, values }] of gradients.entries()) {
    if (shape.join() !== row.inputs[which]!.shape.join()) return wrong(`gradient of shape ${shape.join()}`);
    const scale = Math.max(largest(values) * Math.sqrt(values.length), 1e-3);
    for (let direction = 0; direction < DIRECTIONS; direction++) {
      const along = patterned(values.length, 2.3 + direction);
      const got = along.reduce((total, step, i) => total + step * values[i]!, 0);
      const off = Math.abs(got - slope(row, weights, which, along)) / scale;
      if (!(off <= difference)) difference = off;
    }
  }
  return verdict(difference, row.tolerance ?? DEFAULT_TOLERANCE);
};

const DIRECTIONS = 6;

/** Numbers in ±(0.3…1). */
const patterned = (length: number, start: number): Float64Array =>
  Float64Array.from({ length }, (_, i) => {
    const x = Math.sin(start + i * 12.9898) * 43_758.5453;
    const fraction = x - Math.floor(x);
    return (fraction < 0.5 ? -1 : 1) * (0.3 + 0.7 * ((2 * fraction) % 1));
  });

interface Gradient {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

const gradientsOf = async (
  tf: TensorFlow,
  row: ParityCase,
  weights: Float64Array,
): Promise<readonly Gradient[]> => {
  const gradients = tf.tidy(() => {
    const inputs = row.inputs.map((input) => tensorOf(tf, input));
    const { shape } = row.plain(...row.inputs);
    return tf.grads((...given: Tensor[]) => row.run(tf, ...given))(
      inputs,
      tf.tensor(Float32Array.from(weights), [...shape]),
    );
  });
  return Promise.all(gradients.map(async (each) => ({ shape: each.shape, values: await taken(each) })));
};

const STEP = 1e-6;

/** How fast Σ w · f grows when input `which` moves `along`. */
const slope = (row: ParityCase, weights: Float64Array, which: number, along: Float64Array): number => {
  const moved = (by: number): number => {
    const inputs = row.inputs.map((input, i) =>
      i === which ? { ...input, values: input.values.map((value, j) => value + by * along[j]!) } : input,
    );
    return row.plain(...inputs).values.reduce((total, value, i) => total + value * weights[i]!, 0);
  };
  return (moved(STEP) - moved(-STEP)) / (2 * STEP);
};

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);

const largestDifference = (got: ArrayLike<number>, wanted: Float64Array): number => {
  if (got.length !== wanted.length) return Number.POSITIVE_INFINITY;
  return wanted.reduce((most, value, i) => {
    const difference = got[i] === value ? 0 : Math.abs(got[i]! - value);
    return difference <= most ? most : difference;
  }, 0);
};
