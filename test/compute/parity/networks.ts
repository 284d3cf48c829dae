/** What models are put together from: softmax, losses, normalisation, attention. */
import type { Tensor, TensorFlow } from "@bulkhead/compute";
import { causalAttention, crossEntropy, layerNorm, rmsNorm, rotate } from "../../reference/plain-networks.ts";
import {
  at,
  build,
  map,
  matMul,
  mean,
  reduceAll,
  softmax,
  sum,
  swapLast,
  zip,
} from "../../reference/plain-tensor.ts";
import { type ParityCase, floats, rank2, rank4, smooth } from "./parity-case.ts";

const LABELS = [3, 0, 10, 7];

const labels = (tf: TensorFlow): Tensor => tf.oneHot(tf.tensor1d(LABELS, "int32"), 11, 1, 0, "float32");

const table = (tf: TensorFlow, rule: (angle: number) => number): Tensor =>
  tf.tensor2d(
    Float32Array.from({ length: 20 }, (_, i) => rule(Math.floor(i / 4) + (i % 4))),
    [5, 4],
  );

export const networks: readonly ParityCase[] = [
  smooth("softmax", {
    inputs: [floats([4, 33], -3, 3)],
    run: (tf, x) => tf.softmax(x),
    plain: (x) => softmax(x),
  }),
  smooth("softmax of three axes", {
    inputs: [floats([2, 3, 9], -3, 3)],
    run: (tf, x) => tf.softmax(x),
    plain: (x) => softmax(x),
  }),
  smooth("logSoftmax", {
    inputs: [floats([4, 33], -3, 3)],
    run: (tf, x) => tf.logSoftmax(x),
    plain: (x) => map(softmax(x), Math.log),
  }),
  smooth("losses.softmaxCrossEntropy", {
    inputs: [floats([4, 11], -3, 3)],
    run: (tf, x) => tf.losses.softmaxCrossEntropy(labels(tf), x),
    plain: (x) => crossEntropy(x, LABELS),
  }),
  smooth("cross-entropy by logSoftmax", {
    inputs: [floats([4, 11], -3, 3)],
    run: (tf, x) => tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(x), labels(tf)), -1))),
    plain: (x) => crossEntropy(x, LABELS),
  }),
  smooth("losses.sigmoidCrossEntropy", {
    inputs: [floats([4, 3], -3, 3)],
    run: (tf, x) => tf.losses.sigmoidCrossEntropy(tf.ones([4, 3]), x),
    plain: (x) =>
      reduceAll(
        map(x, (value) => Math.log1p(Math.exp(-value))),
        mean,
      ),
  }),
  smooth("losses.meanSquaredError", {
    inputs: [floats([4, 3]), floats([4, 3])],
    run: (tf, x, y) => tf.losses.meanSquaredError(x, y),
    plain: (x, y) =>
      reduceAll(
        zip(x, y, (a, b) => (a - b) ** 2),
        mean,
      ),
  }),
  smooth("losses.cosineDistance", {
    inputs: [floats([4, 3]), floats([4, 3])],
    run: (tf, x, y) => tf.losses.cosineDistance(x, y, 1),
    plain: (x, y) =>
      build([], () =>
        mean([0, 1, 2, 3].map((i) => 1 - sum([0, 1, 2].map((j) => at(x, i, j) * at(y, i, j))))),
      ),
  }),
  smooth("layer normalisation", {
    inputs: [floats([4, 6, 16]), floats([16]), floats([16])],
    run: (tf, x, scale, shift) => {
      const { mean: centre, variance } = tf.moments(x, -1, true);
      const normal = tf.mul(tf.sub(x, centre), tf.rsqrt(tf.add(variance, 1e-5)));
      return tf.add(tf.mul(normal, scale), shift);
    },
    plain: (x, scale, shift) =>
      zip(
        zip(layerNorm(x), scale, (a, b) => a * b),
        shift,
        (a, b) => a + b,
      ),
  }),
  smooth("root mean square normalisation", {
    inputs: [floats([4, 6, 16]), floats([16])],
    run: (tf, x, scale) => tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5))), scale),
    plain: (x, scale) => zip(rmsNorm(x), scale, (a, b) => a * b),
  }),
  smooth("rotary positions", {
    inputs: [floats([2, 3, 5, 4])],
    run: (tf, x) => {
      const [a, b] = tf.split(x, 2, 3);
      const turned = tf.concat([tf.neg(b!), a!], 3);
      return tf.add(tf.mul(x, table(tf, Math.cos)), tf.mul(turned, table(tf, Math.sin)));
    },
    plain: (x) => rotate(x),
  }),
  smooth("causal attention", {
    inputs: [floats([2, 2, 5, 4]), floats([2, 2, 5, 4]), floats([2, 2, 5, 4])],
    run: (tf, q, k, v) => {
      const mask = tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([5, 5]), -1, 0)), -30);
      return tf.matMul(tf.softmax(tf.add(tf.div(tf.matMul(q, k, false, true), 2), mask)), v);
    },
    plain: (q, k, v) => causalAttention(q, k, v),
  }),
  smooth("batchNorm", {
    inputs: [floats([2, 3, 3, 4]), floats([4]), floats([4], 0.5, 1)],
    run: (tf, x, centre, variance) =>
      tf.batchNorm(rank4(x), centre, variance, tf.mul(centre, 2), tf.neg(centre), 1e-3),
    plain: (x, centre, variance) =>
      build([2, 3, 3, 4], ([n, i, j, c]) => {
        const normal = (at(x, n!, i!, j!, c!) - at(centre, c!)) / Math.sqrt(at(variance, c!) + 1e-3);
        return 2 * at(centre, c!) - at(centre, c!) * normal;
      }),
  }),
  smooth("dropout at rate 0", {
    inputs: [floats([4, 5])],
    run: (tf, x) => tf.dropout(x, 0),
    plain: (x) => x,
  }),
  smooth("a low-rank adapter", {
    inputs: [floats([5, 8]), floats([2, 8]), floats([6, 2])],
    run: (tf, x, a, b) => tf.mul(tf.matMul(tf.matMul(rank2(x), a, false, true), b, false, true), 4),
    plain: (x, a, b) => map(matMul(matMul(x, swapLast(a)), swapLast(b)), (value) => 4 * value),
  }),
];
