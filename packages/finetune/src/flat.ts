/** The flat vector and the named tensors in it. */
import { invariant } from "@bulkhead/base";
import { type NamedValues, writeSafetensors } from "./weights/write-safetensors.ts";
import { parameterCount, type TensorSpec } from "./trainer.ts";

export const sizeOf = ({ shape }: TensorSpec): number => shape.reduce((size, side) => size * side, 1);

/** Views into `flat`, in order. */
export const tensorsOf = (specs: readonly TensorSpec[], flat: Float32Array): readonly NamedValues[] => {
  invariant(flat.length === parameterCount(specs), "a flat vector has one value for each parameter");
  let at = 0;
  return specs.map((spec) => {
    const values = flat.subarray(at, (at += sizeOf(spec)));
    return { ...spec, values };
  });
};

/** Names of the tensors that hold a value which is not a finite number. */
export const nonFiniteTensors = (specs: readonly TensorSpec[], flat: Float32Array): readonly string[] =>
  tensorsOf(specs, flat)
    .filter(({ values }) => !values.every((value) => Number.isFinite(value)))
    .map(({ name }) => name);

/** The model as one safetensors file in canonical order: equal models have equal bytes, so its digest names it. */
export const canonicalModelBytes = (specs: readonly TensorSpec[], flat: Float32Array): Uint8Array =>
  writeSafetensors(tensorsOf(specs, flat));
