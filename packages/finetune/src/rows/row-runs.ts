/** A token row as text again, for a person to see what is learned of it. */
import type { TextTokenizer } from "../tokenizer/text-tokenizer.ts";
import type { TokenRow } from "./token-row.ts";

export interface Run {
  readonly text: string;
  readonly learned: boolean;
}

/** The text between two changes of the mask. A character cut in two by one shows as U+FFFD. */
export const rowRuns = (
  { ids, learn }: TokenRow,
  { decode }: Pick<TextTokenizer, "decode">,
): readonly Run[] => {
  const runs: Run[] = [];
  let start = 0;
  for (let at = 1; at <= ids.length; at++) {
    if (at < ids.length && learn[at] === learn[start]) continue;
    runs.push({ text: decode(ids.subarray(start, at)), learned: learn[start] === 1 });
    start = at;
  }
  return runs;
};
