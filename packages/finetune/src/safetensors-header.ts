/** The header of a safetensors file: its length, its JSON, and what must hold of it before a tensor is looked at. */
import { ShapeError, utf8ToText } from "@bulkhead/base";

export const LENGTH_BYTES = 8;
const LONGEST_HEADER = 16 * 2 ** 20;

/** What stands in a file from outside goes onto terminals only if it is a name. */
export const printable = (name: string): string => (/^[\w./-]{1,200}$/u.test(name) ? name : "(unprintable)");

/** The header as JSON and the values behind it; throws a {@link ShapeError}. */
export const partsOf = (file: Uint8Array) => {
  if (file.length < LENGTH_BYTES) throw new ShapeError("header", "a length of eight bytes");
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(LONGEST_HEADER, file.length - LENGTH_BYTES)))
    throw new ShapeError("header", `at most 16 MiB, all of them in the file, not ${length} bytes`);
  const end = LENGTH_BYTES + Number(length);
  return { header: headerOf(file.subarray(LENGTH_BYTES, end)), values: file.subarray(end) };
};

const headerOf = (bytes: Uint8Array): object => {
  let json: string;
  let header: unknown;
  try {
    json = utf8ToText(bytes);
    header = JSON.parse(json);
  } catch {
    throw new ShapeError("header", "JSON in UTF-8");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header))
    throw new ShapeError("header", "an object");
  const repeated = repeatedKey(json);
  if (repeated !== undefined) throw new ShapeError(printable(repeated), "each name once");
  return header;
};

/** `JSON.parse` keeps the last of several, other readers the first: a file that means two things is refused. */
const repeatedKey = (json: string): string | undefined => {
  const open: Set<string>[] = [];
  for (const { 0: token, groups } of json.matchAll(/[{}]|(?<name>"(?:[^"\\]|\\.)*")(?<colon>\s*:)?/gu)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (groups?.["colon"] !== undefined) {
      const name = String(JSON.parse(groups["name"] ?? ""));
      if (open.at(-1)!.has(name)) return name;
      open.at(-1)!.add(name);
    }
  }
  return undefined;
};
