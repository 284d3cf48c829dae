/** Text to token ids, as the model's own `tokenizer.json` says, cut to a length of ours and never padded. */
import { Tokenizer } from "@huggingface/tokenizers";
import { InputError } from "@bulkhead/base";
import { readTokenizerJson } from "./model-folder.ts";

export type Tokenize = (text: string) => Int32Array;

/** `maxTokens` counts the special tokens at both ends; when text is cut, the one at the end stays at the end. */
export const openTokenizer = async (folder: string, maxTokens: number): Promise<Tokenize> => {
  const json = await readTokenizerJson(folder);
  const tokenizer = construct(folder, { ...json, truncation: null, padding: null });
  return (text) => {
    const { ids } = tokenizer.encode(text);
    const kept = ids.length <= maxTokens ? ids : [...ids.slice(0, maxTokens - 1), ids.at(-1)!];
    return Int32Array.from(kept);
  };
};

const construct = (folder: string, json: object): Tokenizer => {
  try {
    return new Tokenizer(json, {});
  } catch (error) {
    throw new InputError({
      code: "model-unusable",
      place: `${folder}/tokenizer.json`,
      problem: `the tokenizer cannot be built: ${error instanceof Error ? error.message : String(error)}`,
      cure: "use a tokenizer.json that the tokenizers library reads",
    });
  }
};
