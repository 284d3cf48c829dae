/** Reads a `config.json` field by field, so that a field nobody asked about can be refused by name. */
import { boolean, finite, integer, type Shape, ShapeError } from "@bulkhead/base";

export interface ConfigFields {
  /** A field that must be there. */
  readonly get: <T>(name: string, shape: Shape<T>) => T;
  /** A field that may be missing or null. */
  readonly maybe: <T>(name: string, shape: Shape<T>) => T | undefined;
  /** A field that this code supports with one value only; missing and null count as that value. */
  readonly only: (name: string, ...values: readonly unknown[]) => void;
  /** Throws a {@link ShapeError} that names the first field which was not asked for. */
  readonly close: () => void;
}

export const size = integer(1, 1 << 24);
export const flag = boolean;
export const positive = finite(Number.MIN_VALUE);

/** What a file says of its making, of generation and of training from scratch: the result does not depend on it. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(
  `_name_or_path _commit_hash _attn_implementation architectures attention_dropout attention_probs_dropout_prob attn_pdrop
  auto_map bad_words_ids begin_suppress_tokens bos_token_id chunk_size_feed_forward classifier_dropout
  cross_attention_hidden_size decoder_start_token_id diversity_penalty do_sample dtype early_stopping
  embd_pdrop encoder_no_repeat_ngram_size eos_token_id exponential_decay_length_penalty finetuning_task
  forced_bos_token_id forced_eos_token_id gradient_checkpointing hidden_dropout_prob id2label initializer_range
  is_llama_config keys_to_ignore_at_inference label2id length_penalty max_length max_window_layers min_length
  model_type no_repeat_ngram_size num_beam_groups num_beams num_labels num_return_sequences output_attentions
  output_hidden_states output_past output_scores pad_token_id prefix pretraining_tp problem_type
  remove_invalid_values repetition_penalty resid_pdrop return_dict return_dict_in_generate
  sep_token_id summary_activation summary_first_dropout summary_proj_to_labels summary_type summary_use_proj
  suppress_tokens task_specific_params temperature tf_legacy_loss tokenizer_class top_k top_p torch_dtype torchscript
  transformers.js_config transformers_version typical_p unsloth_fixed unsloth_version use_bfloat16 use_cache
  n_ctx`.split(/\s+/u),
);

/** `withoutEffect` are the names of fields that are passed over. */
export const configFields = (
  json: Readonly<Record<string, unknown>>,
  withoutEffect: ReadonlySet<string> = WITHOUT_EFFECT,
): ConfigFields => {
  const asked = new Set<string>();
  const value = (name: string): unknown => {
    asked.add(name);
    return json[name] ?? undefined;
  };
  return {
    get: (name, shape) => shape(value(name), name),
    maybe: (name, shape) => {
      const found = value(name);
      return found === undefined ? undefined : shape(found, name);
    },
    only: (name, ...values) => {
      const found = value(name);
      if (found !== undefined && !values.includes(found))
        throw new ShapeError(name, `${values.map((each) => JSON.stringify(each)).join(" or ")}, or nothing`);
    },
    close: () => {
      const unknown = Object.keys(json).find((name) => !asked.has(name) && !withoutEffect.has(name));
      if (unknown !== undefined)
        throw new ShapeError(printable(unknown), "no such field: what it would change is not known here");
    },
  };
};

const printable = (name: string): string => (/^[\w.-]{1,64}$/u.test(name) ? name : "(unprintable)");
