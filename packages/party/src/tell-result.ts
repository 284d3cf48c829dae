/** What a short command found out: lines for people, or one line of JSON. */
import type { Json } from "@bulkhead/base";
import { printable } from "@bulkhead/console";

export const tellResult = (
  json: true | undefined,
  record: { readonly [field: string]: Json | undefined },
  lines: readonly string[],
): void => {
  process.stdout.write(json ? `${JSON.stringify(record)}\n` : `${lines.map(safe).join("\n")}\n`);
};

/** Line ends are ours; whatever else could act on a terminal is written out. */
const safe = (text: string): string => text.split("\n").map(printable).join("\n");
