/** Text to token ids, as the model's own `tokenizer.json` says, cut to a length of ours and never padded. */
import path from "node:path";
import { readTokenizerJson } from "../model-folder.ts";
import { TOKENIZER } from "../model-files.ts";
import { repairedTokenizer } from "./repaired-tokenizer.ts";
import { checkedDefinition } from "./tokenizer-definition.ts";

export type Tokenize = (text: string) => Int32Array;

/** `maxTokens` counts the special tokens at both ends; when text is cut, the one at the end stays at the end. */
export const openTokenizer = async (folder: string, maxTokens: number): Promise<Tokenize> => {
  const place = path.join(folder, TOKENIZER);
  const tokenizer = repairedTokenizer(place, checkedDefinition(place, await readTokenizerJson(folder)));
  return (text) => {
    const { ids } = tokenizer.encode(text);
    const kept = ids.length <= maxTokens ? ids : [...ids.slice(0, maxTokens - 1), ids.at(-1)!];
    return Int32Array.from(kept);
  };
};
