/** Reads the `tokenizer.ggml.*` pairs of a GGUF file, each with its type checked. */
import { InputError } from "@bulkhead/base";

/** Lists are arrays or typed arrays, integers of 64 bits bigints. */
export type GgufMetadata = ReadonlyMap<string, unknown>;

export interface GgufFields {
  readonly text: (key: string) => string | undefined;
  readonly flag: (key: string) => boolean | undefined;
  readonly count: (key: string) => number | undefined;
  readonly texts: (key: string) => readonly string[] | undefined;
  readonly numbers: (key: string) => readonly number[] | undefined;
  /** The value, or an {@link InputError} that says that the key is missing. */
  readonly needed: <T>(key: string, value: T | undefined) => T;
  readonly unusable: (key: string, problem: string, cure?: string) => InputError;
}

const PREFIX = "tokenizer.";
const CURE = "make the file again from the model's folder, or use that folder";

/** Keys are given without `tokenizer.`. A value of another type than the asked one is an {@link InputError}. */
export const ggufFields = (place: string, metadata: GgufMetadata): GgufFields => {
  const unusable = (key: string, problem: string, cure = CURE) =>
    new InputError({ code: "model-unusable", place, problem: `${PREFIX}${key} ${problem}`, cure });
  const typed =
    <T>(expected: string, matches: (value: unknown) => value is T) =>
    (key: string): T | undefined => {
      const stored = metadata.get(PREFIX + key);
      const value = typeof stored === "bigint" ? Number(stored) : stored;
      if (value === undefined || matches(value)) return value;
      throw unusable(key, `is not ${expected}`);
    };
  const list = typed(
    "a list",
    (value): value is ArrayLike<unknown> => Array.isArray(value) || ArrayBuffer.isView(value),
  );
  return {
    text: typed("text", (value) => typeof value === "string"),
    flag: typed("true or false", (value) => typeof value === "boolean"),
    count: typed("an integer from 0", (value): value is number => isCount(value)),
    texts: (key) =>
      everyOf(
        list(key),
        (item) => typeof item === "string",
        () => unusable(key, "is not a list of texts"),
      ),
    numbers: (key) =>
      everyOf(
        list(key),
        (item) => typeof item === "number",
        () => unusable(key, "is not a list of numbers"),
      ),
    needed: (key, value) => {
      if (value === undefined) throw unusable(key, "is missing");
      return value;
    },
    unusable,
  };
};

const isCount = (value: unknown): boolean =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

const everyOf = <T>(
  list: ArrayLike<unknown> | undefined,
  matches: (item: unknown) => item is T,
  problem: () => InputError,
): readonly T[] | undefined => {
  if (list === undefined) return undefined;
  const items = Array.from(list);
  if (!items.every(matches)) throw problem();
  return items;
};
