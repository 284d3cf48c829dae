import { shapeOfConfig } from "@bulkhead/finetune";
import { describe, expect, test } from "vitest";
import { SMALL_MODELS } from "./small-models.ts";

const llama = SMALL_MODELS.cases["llama"]!.config;
const gpt2 = SMALL_MODELS.cases["gpt2"]!.config;
const bert = SMALL_MODELS.cases["bert"]!.config;

describe("a field that would change the result", () => {
  test.each<readonly [string, object, object]>([
    ["model_type", llama, { model_type: "mamba" }],
    ["hidden_act", llama, { hidden_act: "relu" }],
    ["surprise", llama, { surprise: 1 }],
    ["rope_interleaved", llama, { rope_interleaved: true }],
    ["quantization_config", llama, { quantization_config: { bits: 4 } }],
    ["rope_type", llama, { rope_parameters: { rope_type: "dynamic", rope_theta: 1e4, factor: 2 } }],
    ["rope_type", llama, { rope_parameters: { rope_type: "yarn", rope_theta: 1e4, factor: 2 } }],
    ["type", llama, { rope_parameters: null, rope_scaling: { type: "dynamic", factor: 2 } }],
    ["beta_fast", llama, { rope_parameters: { rope_type: "default", beta_fast: 32 } }],
    ["partial_rotary_factor", llama, { partial_rotary_factor: 0.5 }],
    ["num_key_value_heads", llama, { num_key_value_heads: 3 }],
    ["head_dim", llama, { head_dim: 5 }],
    ["num_hidden_layers", llama, { num_hidden_layers: 0 }],
    ["vocab_size", llama, { vocab_size: 1.5 }],
    ["scale_attn_weights", gpt2, { scale_attn_weights: false }],
    ["scale_attn_by_inverse_layer_idx", gpt2, { scale_attn_by_inverse_layer_idx: true }],
    ["add_cross_attention", gpt2, { add_cross_attention: true }],
    ["position_embedding_type", bert, { position_embedding_type: "relative_key" }],
    ["is_decoder", bert, { is_decoder: true }],
    ["use_sliding_window", SMALL_MODELS.cases["qwen2"]!.config, { use_sliding_window: true }],
    ["layer_types", SMALL_MODELS.cases["qwen3"]!.config, { layer_types: ["sliding_attention"] }],
  ])("is refused by its name: %s", (name, config, change) => {
    expect(() => shapeOfConfig({ ...config, ...change }, "config.json")).toThrow(name);
  });
});

test("positions turn as transformers 4 and 5 write it", () => {
  const rope = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  const old = { ...rope, original_max_position_embeddings: 16 };
  const { rope_parameters: _, ...rest } = llama;
  const four = shapeOfConfig({ ...rest, rope_theta: 5e5, rope_scaling: old }, "config.json");
  const five = shapeOfConfig({ ...llama, rope_parameters: { ...old, rope_theta: 5e5 } }, "config.json");
  expect(four.position).toEqual(five.position);
  expect(four.position).toMatchObject({ base: 5e5, scaling: { type: "llama3", originalPositions: 16 } });
});
