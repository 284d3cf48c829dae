/** What models are put together from, by their definitions. */
import { at, build, map, matMul, mean, type PlainTensor, softmax, swapLast } from "./plain-tensor.ts";

/** The mean over rows of −log softmax at the label. */
export const crossEntropy = (x: PlainTensor, labels: readonly number[]): PlainTensor => {
  const p = softmax(x);
  return build([], () => mean(labels.map((label, i) => -Math.log(at(p, i, label)))));
};

const rowOf = (x: PlainTensor, place: readonly number[]): readonly number[] =>
  Array.from({ length: x.shape.at(-1)! }, (_, k) => at(x, ...place.slice(0, -1), k));

/** To mean 0 and variance 1 along the last axis. */
export const layerNorm = (x: PlainTensor): PlainTensor =>
  build(x.shape, (place) => {
    const row = rowOf(x, place);
    const centre = mean(row);
    return (at(x, ...place) - centre) / Math.sqrt(mean(row.map((v) => (v - centre) ** 2)) + 1e-5);
  });

export const rmsNorm = (x: PlainTensor): PlainTensor =>
  build(x.shape, (place) => at(x, ...place) / Math.sqrt(mean(rowOf(x, place).map((v) => v * v)) + 1e-5));

/** Each pair of coordinates, one in each half, turned by an angle that grows with the position. */
export const rotate = (x: PlainTensor): PlainTensor =>
  build(x.shape, ([n, h, s, d]) => {
    const [i, sign] = d! < 2 ? [d! + 2, -1] : [d! - 2, 1];
    return at(x, n!, h!, s!, d!) * Math.cos(s! + d!) + sign * at(x, n!, h!, s!, i) * Math.sin(s! + d!);
  });

export const causalAttention = (q: PlainTensor, k: PlainTensor, v: PlainTensor): PlainTensor => {
  const scores = map(matMul(q, swapLast(k)), (score) => score / 2);
  const masked = build(scores.shape, (place) => at(scores, ...place) - (place[3]! > place[2]! ? 30 : 0));
  return matMul(softmax(masked), v);
};
