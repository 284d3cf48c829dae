/**
 * Tensors in plain arithmetic of 64 bits: what operations of TensorFlow.js mean, written out for reading. Nearly all of
 * them are {@link build} with a rule for one place of the result.
 */

export type PlainType = "float32" | "int32" | "bool";

export interface PlainTensor {
  readonly shape: readonly number[];
  /** In row-major order. */
  readonly values: Float64Array;
  readonly dtype: PlainType;
}

type Place = readonly number[];

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, side) => size * side, 1);

/** The tensor whose value at each place is `rule(place)`. */
export const build = (
  shape: readonly number[],
  rule: (place: Place) => number,
  dtype: PlainType = "float32",
): PlainTensor => {
  const values = new Float64Array(sizeOf(shape));
  const place = shape.map(() => 0);
  for (let i = 0; i < values.length; i++) {
    values[i] = rule(place);
    for (let axis = shape.length - 1; axis >= 0 && ++place[axis]! === shape[axis]; axis--) place[axis] = 0;
  }
  return { shape, values, dtype };
};

/** The value at a place; 0 outside, as padding has it. */
export const at = (x: PlainTensor, ...place: readonly number[]): number => {
  let index = 0;
  for (const [axis, coordinate] of place.entries()) {
    if (coordinate < 0 || coordinate >= x.shape[axis]!) return 0;
    index = index * x.shape[axis]! + coordinate;
  }
  return x.values[index]!;
};

export const map = (x: PlainTensor, rule: (value: number) => number, dtype = x.dtype): PlainTensor => ({
  ...x,
  values: x.values.map((value) => rule(value)),
  dtype,
});

/** Of two shapes, aligned at their ends, the larger side of each axis. */
const broadcastShape = (a: readonly number[], b: readonly number[]): readonly number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i, rank = Math.max(a.length, b.length)) =>
    Math.max(a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1),
  );

/** Where a place of the broadcast result comes from: an axis of one value gives it to all. */
const ownPlace = (shape: readonly number[], place: Place): Place =>
  shape.map((side, axis) => (side === 1 ? 0 : place[place.length - shape.length + axis]!));

export const zip = (
  a: PlainTensor,
  b: PlainTensor,
  rule: (a: number, b: number) => number,
  dtype = a.dtype,
): PlainTensor =>
  build(
    broadcastShape(a.shape, b.shape),
    (place) => rule(at(a, ...ownPlace(a.shape, place)), at(b, ...ownPlace(b.shape, place))),
    dtype,
  );

/** One value for all those that stand along `axis`, which goes. */
export const reduce = (
  x: PlainTensor,
  axis: number,
  rule: (values: readonly number[]) => number,
  dtype = x.dtype,
): PlainTensor => {
  const along = Array.from({ length: x.shape[axis]! }, (_, i) => i);
  return build(
    x.shape.toSpliced(axis, 1),
    (place) => rule(along.map((i) => at(x, ...place.toSpliced(axis, 0, i)))),
    dtype,
  );
};

export const reduceAll = (
  x: PlainTensor,
  rule: (values: readonly number[]) => number,
  dtype = x.dtype,
): PlainTensor => build([], () => rule([...x.values]), dtype);

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export const mean = (values: readonly number[]): number => sum(values) / values.length;

export const reshape = (x: PlainTensor, shape: readonly number[]): PlainTensor => ({ ...x, shape });

export const transpose = (x: PlainTensor, perm: readonly number[]): PlainTensor =>
  build(
    perm.map((axis) => x.shape[axis]!),
    (place) => at(x, ...x.shape.map((_, axis) => place[perm.indexOf(axis)]!)),
    x.dtype,
  );

export const swapLast = (x: PlainTensor): PlainTensor => {
  const axes = [...x.shape.keys()];
  return transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
};

/** Products of matrices; the axes before the last two broadcast. */
export const matMul = (a: PlainTensor, b: PlainTensor): PlainTensor => {
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const inner = a.shape.at(-1)!;
  return build([...batch, a.shape.at(-2)!, b.shape.at(-1)!], (place) => {
    const inA = ownPlace(a.shape.slice(0, -2), place.slice(0, -2));
    const inB = ownPlace(b.shape.slice(0, -2), place.slice(0, -2));
    let total = 0;
    for (let k = 0; k < inner; k++)
      total += at(a, ...inA, place.at(-2)!, k) * at(b, ...inB, k, place.at(-1)!);
    return total;
  });
};

export const softmax = (x: PlainTensor): PlainTensor => {
  const exp = map(x, Math.exp);
  const total = reduce(exp, x.shape.length - 1, sum);
  return zip(exp, reshape(total, [...total.shape, 1]), (a, b) => a / b);
};

/** The error function by its series; for |x| ≤ 4. */
export const erf = (x: number): number => {
  let [term, total] = [x, x];
  for (let n = 1; n < 80; n++) {
    term *= -(x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
};
