/** JSON Lines: one object a line. A line that is none is a bad row; empty lines are no rows. */
import { utf8ToText } from "@bulkhead/base";
import { fileBytes } from "./file-bytes.ts";
import { type Line, linesOf } from "./lines.ts";
import type { Fields, Row } from "./row-source.ts";

/** The rows of one file; a line longer than `longestRow` bytes is bad, and never in memory whole. */
export async function* jsonlRows(
  file: string,
  longestRow: number,
  signal?: AbortSignal,
): AsyncGenerator<Row> {
  for await (const line of linesOf(fileBytes(file, signal), longestRow)) {
    const read = readLine(line, longestRow);
    if (read === "empty") continue;
    const place = `${file}:${line.number}`;
    yield typeof read === "string"
      ? { type: "bad-row", place, problem: read }
      : { type: "row", place, fields: read };
  }
}

/** The problem, where it is one, as a text. */
const readLine = ({ bytes }: Line, longest: number): Fields | string => {
  if (bytes === undefined) return `the line is longer than ${longest} bytes`;
  if (bytes.includes(0)) return "the line has a NUL byte";
  let text: string;
  try {
    text = utf8ToText(bytes);
  } catch {
    return "the line is not UTF-8";
  }
  return text.trim() === "" ? "empty" : parseObject(text);
};

const parseObject = (text: string): Fields | string => {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : "the line is no JSON object";
  } catch (error) {
    // The parser's own words quote the row.
    const at = error instanceof Error ? /position (\d+)/u.exec(error.message)?.[1] : undefined;
    return at === undefined ? "the line is not JSON" : `the line is not JSON (column ${Number(at) + 1})`;
  }
};

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
