/** The fields of a `config.json` that say how positions rotate, in the layout of transformers 4 and of 5. */
import { literal, oneOf, type Shape, ShapeError } from "@bulkhead/base";
import { type ConfigFields, configFields, positive, size } from "./config-fields.ts";
import type { PositionKind, RopeScaling } from "./model-shape.ts";

const object: Shape<Readonly<Record<string, unknown>>> = (value, path = "") => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ShapeError(path, "an object");
  return { ...value };
};

const DEFAULT_BASE = 10_000;

/** `positions` is what the model was trained on unless the scaling says another number. */
export const rotaryOf = (fields: ConfigFields, positions: number): PositionKind => {
  fields.only("partial_rotary_factor", 1);
  const base = fields.maybe("rope_theta", positive);
  const json = fields.maybe("rope_parameters", object) ?? fields.maybe("rope_scaling", object);
  fields.maybe("rope_scaling", object);
  if (json === undefined) return { type: "rotary", base: base ?? DEFAULT_BASE, scaling: { type: "none" } };
  const inner = configFields(json);
  const innerBase = inner.maybe("rope_theta", positive);
  inner.only("partial_rotary_factor", 1);
  const scaling = scalingOf(inner, positions);
  inner.close();
  return { type: "rotary", base: innerBase ?? base ?? DEFAULT_BASE, scaling };
};

const KINDS = ["default", "linear", "llama3"] as const;

const scalingOf = (fields: ConfigFields, positions: number): RopeScaling => {
  const kind = fields.maybe("rope_type", oneOf(...KINDS)) ?? fields.maybe("type", oneOf(...KINDS));
  fields.maybe("type", oneOf(...KINDS));
  switch (kind ?? "default") {
    case "default":
      fields.maybe("factor", literal(1));
      fields.maybe("original_max_position_embeddings", size);
      return { type: "none" };
    case "linear":
      fields.maybe("original_max_position_embeddings", size);
      return { type: "linear", factor: fields.get("factor", positive) };
    case "llama3":
      return {
        type: "llama3",
        factor: fields.get("factor", positive),
        lowFrequencyFactor: fields.get("low_freq_factor", positive),
        highFrequencyFactor: fields.get("high_freq_factor", positive),
        originalPositions: fields.maybe("original_max_position_embeddings", size) ?? positions,
      };
  }
};
