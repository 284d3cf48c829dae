/** The part of `site.yaml` that says where rows are and which of their fields count. */
import fs from "node:fs";
import path from "node:path";
import { z } from "@bulkhead/console";
import { dataShape, type DataSettings } from "./settings.ts";

const word = z.string().min(1).max(200);

const badRows = z.union([
  z.strictObject({ count: z.number().int().min(0).describe("So many rows.") }),
  z.strictObject({ share: z.number().min(0).max(1).describe("This share of all rows.") }),
]);

const common = {
  paths: z
    .array(z.string().min(1).max(4000))
    .min(1)
    .max(1000)
    .describe("Files and globs (*, **, ?, {a,b}), read in the order of their names."),
  columns: z
    .record(word, word)
    .default({ text: "text", label: "label" })
    .describe(
      "Which columns (CSV) or keys (JSON) count: of a classifier text and label, of a language model those that the contract's task names. What is not named here has the contract's name; other columns are not looked at.",
    ),
  labels: z
    .array(word)
    .min(2)
    .max(10_000)
    .optional()
    .describe(
      "The labels in the order of the contract's classes, as [ham, spam]; absent where labels are the numbers 0, 1, 2, … themselves.",
    ),
  longestText: z
    .number()
    .int()
    .min(1)
    .max(1 << 24)
    .default(20_000)
    .describe("In characters; of a longer text the start is taken."),
  badRows: badRows
    .default({ share: 0.01 })
    .describe("How many rows that cannot be used are put up with: count: 10, or share: 0.01."),
};

const oneCharacter = z.string().regex(/^[\t\x20-\x7e]$/u, "expected one ASCII character");

export const dataSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("jsonl").describe("One JSON object a line."), ...common }),
  z.strictObject({
    type: z.literal("csv").describe("Comma-separated values, UTF-8."),
    ...common,
    delimiter: oneCharacter.default(",").describe("What stands between two fields."),
    quote: z
      .union([oneCharacter, z.literal("")])
      .default('"')
      .describe('What stands around a quoted field; "" where fields are never quoted.'),
    header: z
      .array(word)
      .min(1)
      .max(10_000)
      .optional()
      .describe("The columns' names, where the first row does not have them."),
  }),
]);

type Written = z.output<typeof dataSchema>;

/** With absolute paths; `folder` is the config's. */
export const dataSettings = ({ badRows: limit, ...written }: Written, folder: string): DataSettings =>
  dataShape({
    ...written,
    columns: { text: "text", label: "label", ...written.columns },
    paths: written.paths.map((pattern) => absolutePattern(pattern, folder)),
    badRowLimit: "count" in limit ? { type: "count", ...limit } : { type: "share", ...limit },
  });

const GLOB_CHARACTERS = /[()[\]{}!*?+@|]/gu;

/** What is special in the folder's own name is not meant as a glob. */
const absolutePattern = (pattern: string, folder: string): string => {
  const plain = path.resolve(folder, pattern);
  const isGlob = pattern.search(GLOB_CHARACTERS) >= 0;
  if (!isGlob || path.isAbsolute(pattern) || fs.existsSync(plain)) return plain;
  return path.join(folder.replaceAll(GLOB_CHARACTERS, String.raw`\$&`), pattern);
};
