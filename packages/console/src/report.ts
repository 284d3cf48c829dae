/** Reports: JSON files for machines that people can read too. */
import { type Json, utf8 } from "@bulkhead/base";

export interface ReportHead {
  /** What it reports: `quickstart`, `run`. */
  readonly kind: string;
  /** Of the schema; a field that changes its meaning gets a new number. */
  readonly version: number;
}

/**
 * The bytes of a report, to be saved whole by `writeFileAtomic`: kind and version first, then the fields of `body` in
 * their order. Numbers that JSON cannot carry are an error, not `null`.
 */
export const renderReport = (
  { kind, version }: ReportHead,
  body: { readonly [field: string]: Json | undefined },
): Uint8Array => {
  const report = { kind: `bulkhead/${kind}`, version, ...body };
  return utf8(`${JSON.stringify(report, expectFinite, 2)}\n`);
};

const expectFinite = (field: string, value: unknown): unknown => {
  if (typeof value === "number" && !Number.isFinite(value))
    throw new RangeError(`the report's field ${field} is ${value}`);
  return value;
};
