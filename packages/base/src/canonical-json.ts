/**
 * Canonical JSON (RFC 8785) for files that people sign and read: keys sorted by UTF-16 units, no white space,
 * numbers and strings as ECMAScript writes them. Equal values have equal bytes, so a digest of the bytes is a
 * digest of the meaning.
 */
import { utf8, utf8ToText } from "./bytes.ts";
import { ShapeError } from "./shape.ts";

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** Throws on numbers that JSON cannot carry; a field that is `undefined` is left out. */
export const canonicalJson = (value: Json): Uint8Array => utf8(render(value));

const render = (value: Json): string => {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError("canonical JSON carries finite numbers only");
    return JSON.stringify(value);
  }
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(render).join(",")}]`;
  const fields = Object.entries(value).filter((field): field is [string, Json] => field[1] !== undefined);
  // Default comparison of strings is by UTF-16 units, as RFC 8785, 3.2.3 wants.
  const sorted = fields.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${sorted.map(([key, field]) => `${JSON.stringify(key)}:${render(field)}`).join(",")}}`;
};

/** Reads canonical JSON, and only that: other white space, key order, duplicate keys or number forms are an error. */
export const parseCanonicalJson = (bytes: Uint8Array): Json => {
  let value: Json;
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON.parse gives nothing but JSON
    value = JSON.parse(utf8ToText(bytes)) as Json;
  } catch {
    throw new ShapeError("", "JSON in UTF-8");
  }
  const again = canonicalJson(value);
  if (again.length !== bytes.length || again.some((byte, i) => byte !== bytes[i]))
    throw new ShapeError("", "canonical JSON (RFC 8785)");
  return value;
};
