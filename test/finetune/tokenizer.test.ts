import { openTokenizer } from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { TINY_EXAMPLES, TINY_IDS } from "./tiny-classifier.ts";
import { TINY_TOKENIZER, tinyModelFolder } from "./tiny-model.ts";

test("text is cut to our length and not padded, whatever the file says of inference", async () => {
  const tokenize = await openTokenizer(tinyModelFolder(), 8);
  expect(TINY_EXAMPLES.map(({ text }) => [...tokenize(text)])).toEqual(TINY_IDS);
});

test("what is cut off is the end of the text, and the token that ends it stays", async () => {
  const folder = tinyModelFolder();
  const text = "buy the pills now";
  const cut = async (maxTokens: number) => [...(await openTokenizer(folder, maxTokens))(text)];
  expect(await cut(6)).toEqual([2, 4, 7, 5, 6, 3]);
  expect(await cut(5)).toEqual([2, 4, 7, 5, 3]);
  expect(await cut(3)).toEqual([2, 4, 3]);
});

test.each([
  ["Büy", "accents are taken off", [2, 4, 3]],
  ["BUY", "case is", [2, 4, 3]],
  ["monday\u00a0\t\r\nlist", "white space of any kind parts words", [2, 11, 8, 3]],
  ["buy\u0000\u0007\ufffd", "control characters are dropped", [2, 4, 3]],
  ["buy.pills", "punctuation is a word of its own", [2, 4, 1, 5, 3]],
  ["语list", "so is a Chinese character", [2, 1, 8, 3]],
  ["lists listed", "words are cut into pieces, or unknown as a whole", [2, 8, 10, 1, 3]],
  ["[SEP]", "a special token in the text is one, as in the reference implementation", [2, 3, 3]],
  ["\ud83d\ude42", "an emoji is one unknown word", [2, 1, 3]],
  [`${"buy".repeat(40)} now`, "a word beyond a hundred characters is unknown", [2, 1, 6, 3]],
])("%j: %s", async (text, _, ids) => {
  expect([...(await openTokenizer(tinyModelFolder(), 10))(text)]).toEqual(ids);
});

test.each([
  [{}, "the tokenizer cannot be built"],
  [{ ...TINY_TOKENIZER, model: { type: "Telepathy" } }, "the tokenizer cannot be built"],
  [{ ...TINY_TOKENIZER, pre_tokenizer: { type: "Telepathy" } }, "the tokenizer cannot be built"],
  [[], "it is not a JSON object"],
])("a file that is no tokenizer is refused: %#", async (tokenizer, problem) => {
  await expect(openTokenizer(tinyModelFolder({ tokenizer }), 8)).rejects.toMatchObject({
    name: "InputError",
    code: "model-unusable",
    place: expect.stringMatching(/tokenizer\.json$/u),
    problem: expect.stringContaining(problem),
  });
});
