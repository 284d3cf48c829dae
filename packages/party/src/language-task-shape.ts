/** The task of kind `language-model` in a contract, checked field by field. */
import {
  boolean,
  finite,
  integer,
  listOf,
  oneOf,
  optional,
  record,
  type Shape,
  ShapeError,
  text,
  textMatching,
  variant,
} from "@bulkhead/base";
import { FAMILIES, type LanguageTask } from "@bulkhead/finetune";

const count = integer(1, 1 << 20);
const column = text(200);
const template = text(20_000);

const targets: Shape<"all-linear" | readonly string[]> = (value, path) =>
  typeof value === "string" ? oneOf("all-linear")(value, path) : listOf(text(200), 1000, 1)(value, path);

const written = record({
  kind: oneOf("language-model"),
  family: oneOf(...FAMILIES),
  lora: record({
    rank: count,
    alpha: finite(0),
    targets,
    layers: optional(listOf(integer(0, 1 << 20), 1024, 1)),
    dropout: optional(finite(0, 0.99)),
    rankStabilised: optional(boolean),
    frozenA: optional(boolean),
  }),
  factors: optional(
    record({
      seed: textMatching(/^[0-9a-f]{64}$/u, "32 bytes in lower-case hexadecimal"),
      deviation: optional(finite(0, 1e6)),
      inputs: listOf(count, 10_000, 1),
    }),
  ),
  maxTokens: count,
  rows: variant({
    text: { text: template },
    answer: {
      prefix: template,
      text: template,
      suffix: template,
      answer: template,
      end: optional(template),
    },
    chat: { messages: column, day: optional(textMatching(/^\d{4}-\d\d-\d\d$/u, "a day as 2026-11-26")) },
  }),
  heldOut: optional(
    record({
      key: column,
      oneIn: integer(2, 1 << 20),
      hash: oneOf("fnv1a-32", "sha256"),
      salt: optional(text(200)),
    }),
  ),
});

/** Throws a {@link ShapeError}. */
export const languageTaskShape: Shape<LanguageTask> = (value, path) => {
  const { kind: _, rows, factors, ...task } = written(value, path);
  if ((task.lora.frozenA === true) !== (factors !== undefined))
    throw new ShapeError(`${path}.factors`, "how A is drawn where A is frozen, and only there");
  return {
    ...task,
    ...(factors === undefined ? {} : { factors }),
    rows: rows.type === "chat" ? chatRows(rows, `${path}.rows.day`) : rows,
  };
};

const chatRows = (
  { messages, day }: { readonly messages: string; readonly day?: string },
  path: string,
): Extract<LanguageTask["rows"], { type: "chat" }> => {
  if (day === undefined) return { type: "chat", messages };
  const now = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(now.getTime())) throw new ShapeError(path, "a day that there is");
  return { type: "chat", messages, now };
};
