/** Rows of the table about integers of 32 bits: exact modulo 2^32, at numbers that floats cannot hold. */
import type { Tensor, TensorFlow } from "@bulkhead/compute";
import type { PlainTensor } from "../../reference/plain-tensor.ts";
import { forward, integers, type ParityCase } from "./parity-case.ts";

export type OnIntegers = readonly [
  run: (tf: TensorFlow, x: Tensor) => Tensor,
  plain: (x: PlainTensor) => PlainTensor,
];

export const onIntegers = (name: string, input: PlainTensor, [run, plain]: OnIntegers): ParityCase =>
  forward(`int32 ${name}`, { inputs: [input], run, plain });

/** Each on a matrix of 4 × 9 integers of the whole range. */
export const onWholeRange = (table: Readonly<Record<string, OnIntegers>>): readonly ParityCase[] =>
  Object.entries(table).map(([name, row]) => onIntegers(name, integers([4, 9]), row));

export const wrappedSum = (values: readonly number[]): number =>
  values.reduce((total, value) => (total + value) | 0, 0);

export const wrappedProduct = (values: readonly number[]): number =>
  values.reduce((a, b) => Math.imul(a, b), 1);
