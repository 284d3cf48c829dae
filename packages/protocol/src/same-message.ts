/** Whether two decoded messages say the same, field by field and byte by byte. */
import { equalBytes } from "@bulkhead/base";

export const isSameMessage = (a: unknown, b: unknown): boolean => {
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && equalBytes(a, b);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const fields = new Map<string, unknown>(Object.entries(b));
  const entries = Object.entries(a);
  return (
    entries.length === fields.size && entries.every(([key, value]) => isSameMessage(value, fields.get(key)))
  );
};
