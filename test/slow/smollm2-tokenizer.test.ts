/** The tokenizer of a model in use, from its GGUF file: ids and training rows of the reference. */
import fs from "node:fs";
import path from "node:path";
import { openChatTemplate, openTextTokenizer, openWeights, rowsToTokens } from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { CHAT_CASES } from "../vectors/chat-cases.ts";
import { SMOLLM2_ROWS } from "../vectors/smollm2-rows.ts";
import { SMOLLM2_TOKENS } from "../vectors/tokenizer-cases.ts";

const FOLDER = path.join(import.meta.dirname, "../../.cache/smollm2");
const file = fs.existsSync(FOLDER)
  ? fs.readdirSync(FOLDER).find((name) => name.endsWith(".gguf"))
  : undefined;

const open = async () => {
  const { metadata, close } = await openWeights(path.join(FOLDER, file ?? ""));
  await close();
  return openTextTokenizer({ type: "gguf", place: "SmolLM2", metadata });
};

test.skipIf(file === undefined)("SmolLM2's ids and texts are the reference's", async () => {
  const tokenizer = await open();
  const { texts, plain, special, decoded } = SMOLLM2_TOKENS;
  const withSpecial = plain.map((ids, i) => special[i] ?? ids);
  expect(texts.map((text) => [text, [...tokenizer.encode(text)]])).toEqual(
    texts.map((text, i) => [text, plain[i]]),
  );
  expect(texts.map((text) => [text, [...tokenizer.encode(text, { special: true })]])).toEqual(
    texts.map((text, i) => [text, withSpecial[i]]),
  );
  expect(withSpecial.map((ids) => tokenizer.decode(ids))).toEqual(texts.map((text, i) => decoded[i] ?? text));
  expect(tokenizer).toMatchObject({ vocabulary: 49_152, bos: 1, eos: 2, pad: 2, unk: 0 });
  expect(tokenizer.ends).toEqual({ before: [], after: [] });
});

test.skipIf(file === undefined)(
  "rows of mail become the sequences that the reference was trained on",
  async () => {
    const tokenizer = await open();
    const { rows } = rowsToTokens(
      SMOLLM2_ROWS.map(({ text, label }) => ({ text, label })),
      {
        type: "answer",
        prefix: "<|im_start|>user\n",
        text: "{text}",
        suffix: "\nFolder?<|im_end|>\n<|im_start|>assistant\n",
        answer: "{label}",
        end: "<|im_end|>",
      },
      { tokenizer, maxTokens: 32 },
    );
    expect(rows.map(({ ids }) => [...ids])).toEqual(SMOLLM2_ROWS.map(({ ids }) => ids.slice(0, 32)));
    expect(rows.map(({ learn }) => learn.indexOf(1))).toEqual(SMOLLM2_ROWS.map(() => 30));
  },
);

test.skipIf(file === undefined)("its chat template is the one of the vectors", async () => {
  const { chatTemplate, place } = await open();
  expect(chatTemplate).toBe(CHAT_CASES.templates["smollm2"]);
  openChatTemplate({ place, template: chatTemplate!, tokens: {} });
});
