/** Where special tokens stand in a text, as the reference finds them: from the left, the longest first. */
import type { AddedToken } from "./tokenizer-definition.ts";

export type Section =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "special"; readonly token: AddedToken };

/** Tokens by their first UTF-16 unit, longest first. */
export type SpecialTokens = ReadonlyMap<string, readonly AddedToken[]>;

export const specialTokens = (tokens: readonly AddedToken[]): SpecialTokens => {
  const byStart = new Map<string, AddedToken[]>();
  for (const token of tokens) {
    const start = token.content[0]!;
    const list = byStart.get(start);
    if (list === undefined) byStart.set(start, [token]);
    else list.push(token);
  }
  for (const list of byStart.values()) list.sort((a, b) => b.content.length - a.content.length);
  return byStart;
};

/** The special token that begins there. */
export const specialAt = (specials: SpecialTokens, text: string, at: number): AddedToken | undefined =>
  specials.get(text[at] ?? "")?.find(({ content }) => text.startsWith(content, at));

/** Texts between special tokens keep their white space, except where a token says that it takes it. Empty texts are left out. */
export const splitAtSpecials = (text: string, specials: SpecialTokens): readonly Section[] => {
  const sections: Section[] = [];
  let start = 0;
  let rstrip = false;
  const addText = (end: number, lstrip: boolean) => {
    const from = rstrip ? skipSpace(text, start, end) : start;
    const to = lstrip ? skipSpaceBack(text, from, end) : end;
    if (to > from) sections.push({ type: "text", text: text.slice(from, to) });
  };
  for (let at = 0; at < text.length; at++) {
    const token = specialAt(specials, text, at);
    if (token === undefined) continue;
    addText(at, token.lstrip);
    sections.push({ type: "special", token });
    ({ rstrip } = token);
    start = at + token.content.length;
    at = start - 1;
  }
  addText(text.length, false);
  return sections;
};

const skipSpace = (text: string, from: number, end: number): number => {
  let at = from;
  while (at < end && isSpace(text[at]!)) at++;
  return at;
};

const skipSpaceBack = (text: string, from: number, end: number): number => {
  let at = end;
  while (at > from && isSpace(text[at - 1]!)) at--;
  return at;
};

const isSpace = (unit: string): boolean => /\p{White_Space}/u.test(unit);
