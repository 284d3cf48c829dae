/** A conversation as one sequence, written by the model's own chat template; the assistant's turns are learned. */
import { InputError } from "@bulkhead/base";
import { guardMessages } from "../tokenizer/chat-guard.ts";
import type { ChatMessage, ChatTemplate } from "../tokenizer/chat-template.ts";
import type { TextTokenizer } from "../tokenizer/text-tokenizer.ts";
import { badColumn, type DataRow } from "./data-row.ts";
import { type Part, type Reader, type TokenRow, tokenRow } from "./token-row.ts";

export interface ChatRecipe {
  readonly type: "chat";
  /** The column with the messages: a list of objects with `role` and `content`, or its JSON. */
  readonly messages: string;
  /** The day that a template is told which asks for it. */
  readonly now?: Date;
}

export const chatRow = (row: DataRow, index: number, recipe: ChatRecipe, reader: Reader): TokenRow => {
  if (reader.chat === undefined) throw noTemplate(reader.tokenizer);
  const messages = messagesOf(row, index, recipe.messages);
  const parts = chatParts(messages, reader.chat, reader.tokenizer, { index, now: recipe.now });
  return tokenRow(index, parts, reader.maxTokens);
};

/**
 * Text up to a turn of the assistant, the turn up to the token that ends it, and so on. They are encoded apart, as they are
 * when the model answers. Special tokens that stand in a message are text.
 */
const chatParts = (
  messages: readonly ChatMessage[],
  { renderChat, source }: ChatTemplate,
  tokenizer: TextTokenizer,
  { index, now }: { readonly index: number; readonly now: Date | undefined },
): readonly Part[] => {
  const guarded = guardMessages(messages, tokenizer.specials, source.template);
  const render = (count: number, addGenerationPrompt: boolean) =>
    renderChat(guarded.messages.slice(0, count), {
      addGenerationPrompt,
      ...(now === undefined ? {} : { now }),
    });
  const encode = (text: string) => tokenizer.encode(text, { special: true, restore: guarded.restore });
  const whole = render(messages.length, false);
  const parts: Part[] = [];
  let at = 0;
  for (const [i, { role }] of messages.entries()) {
    if (role !== "assistant") continue;
    const before = render(i, true);
    const after = render(i + 1, false);
    if (before.length < at || !after.startsWith(before) || !whole.startsWith(after))
      throw unsteady(source.place, index, i);
    parts.push({ ids: encode(whole.slice(at, before.length)), learned: false });
    parts.push(...turnParts(encode(whole.slice(before.length, after.length)), tokenizer));
    at = after.length;
  }
  return [...parts, { ids: encode(whole.slice(at)), learned: false }];
};

/** What a template writes after the token that ends a turn is not the assistant's to say. */
const turnParts = (ids: Int32Array, { specials }: TextTokenizer): readonly Part[] => {
  const special = new Set([...specials.values()].flat().map(({ id }) => id));
  const last = ids.findLastIndex((id) => special.has(id));
  const said = last < 0 ? ids.length : last + 1;
  return [
    { ids: ids.slice(0, said), learned: true },
    { ids: ids.slice(said), learned: false },
  ];
};

const MOST_MESSAGES = 1000;

const messagesOf = (row: DataRow, index: number, column: string): readonly ChatMessage[] => {
  const value = Object.hasOwn(row, column) ? row[column] : undefined;
  const list: unknown = typeof value === "string" ? parsed(value) : value;
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST_MESSAGES || !list.every(isMessage))
    throw badColumn(column, index, "is not a list of messages with a role and a content");
  return list.map(({ role, content }) => ({ role, content }));
};

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

/** Templates write the role beside their own tokens. */
const isMessage = (value: unknown): value is ChatMessage => {
  const role: unknown = Reflect.get(Object(value), "role");
  return (
    typeof role === "string" &&
    /^[a-z][a-z_]{0,31}$/u.test(role) &&
    typeof Reflect.get(Object(value), "content") === "string"
  );
};

const unsteady = (place: string, index: number, message: number): InputError =>
  new InputError({
    code: "chat-template",
    place: `row ${index + 1}, message ${message + 1}`,
    problem: `the chat template of ${place} writes an earlier turn differently once later ones follow, so that no turn can be marked`,
    cure: "give each row's last answer alone, with recipe prompt and answer, or use a chat template that only appends",
  });

const noTemplate = ({ place }: TextTokenizer): InputError =>
  new InputError({
    code: "chat-template",
    place,
    problem: "the model has no chat template",
    cure: "give prompt and answer columns with a recipe of their own, or a chat template",
  });
