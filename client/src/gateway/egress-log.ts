/**
 * `egress.jsonl`: one line for each message that leaves, written before it does. A vector's chunks are folded into one
 * line, and since a crash may come in between, the line that it begins stands before it.
 */
import fs from "node:fs";
import {
  InputError,
  integer,
  oneOf,
  optional,
  record,
  ShapeError,
  text,
  textMatching,
  type TypeOf,
  utf8,
  utf8ToText,
} from "@bulkhead/base";
import { openGrowingFile, readFileBounded } from "@bulkhead/store";

const count = integer(0, Number.MAX_SAFE_INTEGER);

const entryShape = record({
  time: text(40),
  type: oneOf(
    "hello",
    "advert",
    "shares",
    "masked",
    "agree",
    "unmask",
    "leave",
    "masked-input-begins",
    "masked-input",
  ),
  round: count,
  attempt: count,
  /** That left. */
  bytes: count,
  /** Of the message's frame, or of these bytes of the vector. */
  sha256: optional(textMatching(/^[0-9a-f]{64}$/u, "a digest")),
  /** Of a vector: the first byte of this piece, and the length of the whole. */
  from: optional(count),
  total: optional(count),
});
export type EgressEntry = TypeOf<typeof entryShape>;

export interface EgressLog {
  /** From earlier runs. */
  readonly entries: readonly EgressEntry[];
  append(entry: EgressEntry): void;
  close(): void;
}

const LONGEST_LOG = 2 ** 30;
const KEEP_AFTER_MS = 200;

/** Cuts off a last line that a crash has torn: its message had not left. Throws an {@link InputError} for other damage. */
export const openEgressLog = async (path: string): Promise<EgressLog> => {
  const entries = await repaired(path);
  const file = openGrowingFile(path);
  let timer: NodeJS.Timeout | undefined;
  const keep = (): void => {
    clearTimeout(timer);
    timer = undefined;
    file.keep();
  };
  return {
    entries,
    append: (entry) => {
      file.append(utf8(`${JSON.stringify(entry)}\n`));
      timer ??= setTimeout(keep, KEEP_AFTER_MS);
    },
    close: () => {
      if (timer !== undefined) keep();
      file.close();
    },
  };
};

const repaired = async (path: string): Promise<readonly EgressEntry[]> => {
  if (!fs.existsSync(path)) return [];
  const { entries, wholeBytes, bytes } = await readLog(path);
  if (wholeBytes < bytes) fs.truncateSync(path, wholeBytes);
  return entries;
};

/** What has left; none where there is no log yet. A last line that is still being written does not count. */
export const readEgressLog = async (path: string): Promise<readonly EgressEntry[]> =>
  fs.existsSync(path) ? (await readLog(path)).entries : [];

const LINE_FEED = 0x0a;

const readLog = async (path: string) => {
  const bytes = await readFileBounded(path, LONGEST_LOG);
  const wholeBytes = bytes.lastIndexOf(LINE_FEED) + 1;
  const lines = bytes.subarray(0, Math.max(0, wholeBytes - 1));
  const entries =
    lines.length === 0 ? [] : linesOf(lines).map((line, i) => entryOf(line, `${path}:${i + 1}`));
  return { entries, wholeBytes, bytes: bytes.length };
};

const linesOf = (bytes: Uint8Array): readonly Uint8Array[] => {
  const lines: Uint8Array[] = [];
  for (let start = 0; start <= bytes.length;) {
    const found = bytes.indexOf(LINE_FEED, start);
    const end = found < 0 ? bytes.length : found;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
};

const entryOf = (line: Uint8Array, place: string): EgressEntry => {
  try {
    return entryShape(JSON.parse(utf8ToText(line)));
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof SyntaxError || error instanceof TypeError))
      throw error;
    throw new InputError({
      code: "egress-log-damaged",
      place,
      problem: "this line is no record of a message",
      cure: "restore the log from a copy: without it nobody knows what has left",
    });
  }
};
