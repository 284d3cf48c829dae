/** Functions of one value. */
import type { Tensor, TensorFlow } from "@bulkhead/compute";
import { erf, map } from "../../reference/plain-tensor.ts";
import { type ParityCase, floats, forward, smooth } from "./parity-case.ts";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const SELU = { alpha: 1.6732632423543772, scale: 1.0507009873554805 };

type Rule = (x: number) => number;
type Run = (tf: TensorFlow, x: Tensor) => Tensor;

/** On values of both signs. */
const SMOOTH: Readonly<Record<string, readonly [Rule, Run]>> = {
  abs: [Math.abs, (tf, x) => tf.abs(x)],
  asinh: [Math.asinh, (tf, x) => tf.asinh(x)],
  atan: [Math.atan, (tf, x) => tf.atan(x)],
  clipByValue: [(x) => Math.min(Math.max(x, -0.5), 0.7), (tf, x) => tf.clipByValue(x, -0.5, 0.7)],
  cos: [Math.cos, (tf, x) => tf.cos(x)],
  cosh: [Math.cosh, (tf, x) => tf.cosh(x)],
  elu: [(x) => (x > 0 ? x : Math.expm1(x)), (tf, x) => tf.elu(x)],
  erf: [erf, (tf, x) => tf.erf(x)],
  exp: [Math.exp, (tf, x) => tf.exp(x)],
  expm1: [Math.expm1, (tf, x) => tf.expm1(x)],
  "gelu by erf": [
    (x) => (x / 2) * (1 + erf(x * Math.SQRT1_2)),
    (tf, x) => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))),
  ],
  "gelu by tanh": [
    (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    (tf, x) => {
      const inner = tf.mul(tf.add(x, tf.mul(0.044715, tf.mul(x, tf.square(x)))), Math.sqrt(2 / Math.PI));
      return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)));
    },
  ],
  leakyRelu: [(x) => (x > 0 ? x : 0.2 * x), (tf, x) => tf.leakyRelu(x, 0.2)],
  logSigmoid: [(x) => Math.log(sigmoid(x)), (tf, x) => tf.logSigmoid(x)],
  neg: [(x) => -x, (tf, x) => tf.neg(x)],
  relu: [(x) => Math.max(x, 0), (tf, x) => tf.relu(x)],
  relu6: [(x) => Math.min(Math.max(x, 0), 6), (tf, x) => tf.relu6(tf.mul(x, 4))],
  selu: [(x) => SELU.scale * (x > 0 ? x : SELU.alpha * Math.expm1(x)), (tf, x) => tf.selu(x)],
  sigmoid: [sigmoid, (tf, x) => tf.sigmoid(x)],
  silu: [(x) => x * sigmoid(x), (tf, x) => tf.mul(x, tf.sigmoid(x))],
  sin: [Math.sin, (tf, x) => tf.sin(x)],
  sinh: [Math.sinh, (tf, x) => tf.sinh(x)],
  softplus: [(x) => Math.log1p(Math.exp(x)), (tf, x) => tf.softplus(x)],
  square: [(x) => x * x, (tf, x) => tf.square(x)],
  tan: [Math.tan, (tf, x) => tf.tan(tf.mul(x, 0.5))],
  tanh: [Math.tanh, (tf, x) => tf.tanh(x)],
};

/** On positive values alone. */
const POSITIVE: Readonly<Record<string, readonly [Rule, Run]>> = {
  acosh: [(x) => Math.acosh(1 + x), (tf, x) => tf.acosh(tf.add(x, 1))],
  acos: [(x) => Math.acos(x / 3), (tf, x) => tf.acos(tf.div(x, 3))],
  asin: [(x) => Math.asin(x / 3), (tf, x) => tf.asin(tf.div(x, 3))],
  atanh: [(x) => Math.atanh(x / 3), (tf, x) => tf.atanh(tf.div(x, 3))],
  log: [Math.log, (tf, x) => tf.log(x)],
  log1p: [Math.log1p, (tf, x) => tf.log1p(x)],
  reciprocal: [(x) => 1 / x, (tf, x) => tf.reciprocal(x)],
  rsqrt: [(x) => 1 / Math.sqrt(x), (tf, x) => tf.rsqrt(x)],
  sqrt: [Math.sqrt, (tf, x) => tf.sqrt(x)],
};

/** Steps, whose gradient is 0 or none. */
const STEPS: Readonly<Record<string, readonly [Rule, Run]>> = {
  ceil: [Math.ceil, (tf, x) => tf.ceil(x)],
  floor: [Math.floor, (tf, x) => tf.floor(x)],
  round: [Math.round, (tf, x) => tf.round(x)],
  sign: [Math.sign, (tf, x) => tf.sign(x)],
  step: [(x) => (x > 0 ? 1 : 0), (tf, x) => tf.step(x)],
  "cast to int32 and back": [Math.trunc, (tf, x) => tf.cast(tf.cast(x, "int32"), "float32")],
};

const scaled: Readonly<Record<string, number>> = { relu6: 4, tan: 0.5 };

const row =
  (kind: typeof smooth, from: number, to: number) =>
  ([name, [rule, run]]: readonly [string, readonly [Rule, Run]]): ParityCase =>
    kind(name, {
      inputs: [floats([3, 41], from, to)],
      run: (tf, x) => run(tf, x),
      plain: (x) => map(x, (value) => rule(value * (scaled[name] ?? 1))),
    });

export const elementwise: readonly ParityCase[] = [
  ...Object.entries(SMOOTH).map(row(smooth, -2.4, 2.4)),
  ...Object.entries(POSITIVE).map(row(smooth, 0.3, 2.4)),
  ...Object.entries(STEPS).map(row(forward, -5, 5)),
  forward("isNaN", {
    inputs: [floats([7], -1, 1)],
    run: (tf, x) => tf.isNaN(tf.sqrt(x)),
    plain: (x) => map(x, (value) => Number(value < 0), "bool"),
  }),
  forward("isFinite", {
    inputs: [floats([7], -1, 1)],
    run: (tf, x) => tf.isFinite(tf.div(1, tf.relu(x))),
    plain: (x) => map(x, (value) => Number(value > 0), "bool"),
  }),
];
