/**
 * Canonical JSON (RFC 8785) for files that people sign and read: keys sorted by UTF-16 units, no white space,
 * numbers and strings as ECMAScript writes them. Equal values have equal bytes, so a digest of the bytes is a
 * digest of the meaning.
 */
import { equalBytes, hasLoneSurrogate, utf8, utf8ToText } from "./bytes.ts";
import { ShapeError } from "./shape.ts";

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** Deeper nesting is refused, so that no file can exhaust the stack. */
const DEEPEST = 100;

/** Throws on numbers and text that JSON cannot carry; a field that is `undefined` is left out. */
export const canonicalJson = (value: Json): Uint8Array => utf8(render(value, 0));

const render = (value: Json, depth: number): string => {
  if (depth > DEEPEST) throw new RangeError(`nested deeper than ${DEEPEST}`);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError("canonical JSON carries finite numbers only");
    return JSON.stringify(value);
  }
  if (typeof value === "string") return renderText(value);
  if (Array.isArray(value)) return `[${value.map((item: Json) => render(item, depth + 1)).join(",")}]`;
  const fields = Object.entries(value).filter((field): field is [string, Json] => field[1] !== undefined);
  // Default comparison of strings is by UTF-16 units, as RFC 8785, 3.2.3 wants.
  const sorted = fields.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${sorted.map(([key, field]) => `${renderText(key)}:${render(field, depth + 1)}`).join(",")}}`;
};

/** ECMAScript would escape a lone surrogate; RFC 8785, 3.2.2.2 wants an error. */
const renderText = (text: string): string => {
  if (hasLoneSurrogate(text)) throw new RangeError("text with a lone surrogate is no canonical JSON");
  return JSON.stringify(text);
};

/** Reads canonical JSON, and only that: other white space, key order, duplicate keys or number forms are an error. */
export const parseCanonicalJson = (bytes: Uint8Array): Json => {
  const value = attempt(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON.parse gives nothing but JSON
    () => JSON.parse(utf8ToText(bytes)) as Json,
    "JSON in UTF-8",
  );
  const again = attempt(() => canonicalJson(value), "canonical JSON (RFC 8785)");
  if (!equalBytes(again, bytes)) throw new ShapeError("", "canonical JSON (RFC 8785)");
  return value;
};

/** What a parser says about bytes from outside may quote them: it is replaced by what was expected. */
const attempt = <T>(parse: () => T, expected: string): T => {
  try {
    return parse();
  } catch {
    throw new ShapeError("", expected);
  }
};
