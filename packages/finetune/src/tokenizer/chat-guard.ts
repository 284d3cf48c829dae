/**
 * Keeps data from forging a turn: before messages go through a template, each character that could begin or complete a special
 * token is marked, and the marks are taken back only once the template's own special tokens have been found.
 */
import { InputError } from "@bulkhead/base";
import type { ChatMessage } from "./chat-template.ts";
import { specialAt, type SpecialTokens } from "./special-tokens.ts";

export interface GuardedMessages {
  readonly messages: readonly ChatMessage[];
  /** Takes the marks back, from any part of what was rendered. */
  readonly restore: (rendered: string) => string;
}

/** `template` is searched for characters that cannot be marks, as are the messages. */
export const guardMessages = (
  messages: readonly ChatMessage[],
  specials: SpecialTokens,
  template: string,
): GuardedMessages => {
  const marks = new Marks(new Set([template, ...messages.map(({ content }) => content)].join("")));
  const fragments = fragmentsOf(specials);
  return {
    messages: messages.map((message) => ({
      ...message,
      content: withMarks(message.content, dangerous(message.content, specials, fragments), marks),
    })),
    restore: (rendered) => marks.restore(rendered),
  };
};

const PRIVATE_USE = { first: 0xe000, last: 0xf8ff } as const;

/** One mark from the private use area for each character marked, none of which stands in the texts. */
class Marks {
  readonly #taken: ReadonlySet<string>;
  readonly #byCharacter = new Map<string, string>();
  readonly #byMark = new Map<string, string>();
  #next: number = PRIVATE_USE.first;

  constructor(taken: ReadonlySet<string>) {
    this.#taken = taken;
  }

  of(character: string): string {
    const known = this.#byCharacter.get(character);
    if (known !== undefined) return known;
    while (this.#taken.has(String.fromCharCode(this.#next))) this.#next++;
    if (this.#next > PRIVATE_USE.last) throw noMarkLeft();
    const mark = String.fromCharCode(this.#next++);
    this.#byCharacter.set(character, mark);
    this.#byMark.set(mark, character);
    return mark;
  }

  restore(text: string): string {
    return text.replaceAll(/[\ue000-\uf8ff]/gu, (mark) => this.#byMark.get(mark) ?? mark);
  }
}

const noMarkLeft = (): InputError =>
  new InputError({
    code: "chat-message",
    place: "a message's content",
    problem: "it uses every character of the private use area",
    cure: "take such characters out of the data",
  });

/** What a text may end or begin with so that a template's own text completes a special token. */
interface Fragments {
  readonly starts: ReadonlySet<string>;
  readonly ends: ReadonlySet<string>;
  readonly whole: readonly string[];
  readonly longest: number;
}

const fragmentsOf = (specials: SpecialTokens): Fragments => {
  const whole = [...specials.values()].flat().map(({ content }) => content);
  const cut = whole.flatMap((content) =>
    Array.from({ length: content.length - 1 }, (_, i) => [content, i + 1] as const),
  );
  return {
    starts: new Set(cut.map(([content, at]) => content.slice(0, at))),
    ends: new Set(cut.map(([content, at]) => content.slice(at))),
    whole,
    longest: Math.max(0, ...whole.map(({ length }) => length)),
  };
};

/** Places of the characters to mark; templates often trim, so the ends within white space count too. */
const dangerous = (text: string, specials: SpecialTokens, fragments: Fragments): ReadonlySet<number> => {
  const places = new Set<number>();
  for (let at = 0; at < text.length; at++) if (specialAt(specials, text, at) !== undefined) places.add(at);
  const trimmedStart = text.length - text.trimStart().length;
  const trimmedEnd = text.trimEnd().length;
  for (const start of [0, trimmedStart]) if (beginsWithEnd(text, start, fragments)) places.add(start);
  for (const end of [text.length, trimmedEnd]) addStart(places, text, end, fragments);
  const trimmed = text.trim();
  if (
    trimmed !== "" &&
    trimmed.length < fragments.longest &&
    fragments.whole.some((content) => content.includes(trimmed))
  )
    places.add(trimmedStart);
  return places;
};

const beginsWithEnd = (text: string, start: number, { ends, longest }: Fragments): boolean => {
  for (let length = 1; length < longest; length++)
    if (start + length <= text.length && ends.has(text.slice(start, start + length))) return true;
  return false;
};

const addStart = (places: Set<number>, text: string, end: number, { starts, longest }: Fragments): void => {
  for (let length = 1; length < longest && length <= end; length++)
    if (starts.has(text.slice(end - length, end))) places.add(end - length);
};

const withMarks = (text: string, places: ReadonlySet<number>, marks: Marks): string => {
  if (places.size === 0) return text;
  return Array.from({ length: text.length }, (_, at) =>
    places.has(at) ? marks.of(text[at]!) : text[at]!,
  ).join("");
};
