/** Lines of JSON that programs print. */

export interface Fields {
  readonly [field: string]: unknown;
}

/** `undefined` for a line that is no JSON object. */
export const fieldsOf = (line: string): Fields | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null
      ? Object.fromEntries(Object.entries(value))
      : undefined;
  } catch {
    return undefined;
  }
};

/** For `Program.line`: the fields of a line that has these among them. */
export const lineWith =
  (wanted: { readonly [field: string]: string | number }) =>
  (line: string): Fields | undefined => {
    const fields = fieldsOf(line);
    return fields !== undefined && Object.entries(wanted).every(([name, value]) => fields[name] === value)
      ? fields
      : undefined;
  };
