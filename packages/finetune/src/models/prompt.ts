/** A question as the tokens that a model goes on from: by its chat template where it has one, else as plain text. */
import { guardMessages } from "../tokenizer/chat-guard.ts";
import type { TextTokenizer } from "../tokenizer/text-tokenizer.ts";
import { openModelChat } from "./open-base-model.ts";

export interface Question {
  readonly prompt: string;
  /** Said by the system, where the chat template has a place for it. */
  readonly system?: string;
  /** Whether the text is given as it is, without a template. */
  readonly plain?: boolean;
}

export interface Prompt {
  readonly ids: Int32Array;
  /** Tokens that end an answer. */
  readonly stop: readonly number[];
}

/** Special tokens written in the question are text. Throws an {@link InputError} where the template refuses it. */
export const promptOf = (tokenizer: TextTokenizer, { prompt, system, plain = false }: Question): Prompt => {
  const stop = tokenizer.eos === undefined ? [] : [tokenizer.eos];
  const chat = plain ? undefined : openModelChat(tokenizer);
  if (chat === undefined) {
    const { before } = tokenizer.ends;
    return { ids: Int32Array.from([...before, ...tokenizer.encode(prompt)]), stop };
  }
  const messages = [
    ...(system === undefined ? [] : [{ role: "system", content: system }]),
    { role: "user", content: prompt },
  ];
  const guarded = guardMessages(messages, tokenizer.specials, chat.source.template);
  const text = chat.renderChat(guarded.messages, { addGenerationPrompt: true, now: new Date() });
  const ends = ENDS.flatMap((name) => tokenizer.specialId(name) ?? []);
  return {
    ids: tokenizer.encode(text, { special: true, restore: guarded.restore }),
    stop: [...new Set([...stop, ...ends])],
  };
};

/** Models that chat end a turn with one of these, and not always with the token that ends a text. */
const ENDS = ["<|im_end|>", "<|eot_id|>", "<|end|>", "<|endoftext|>", "</s>"];
