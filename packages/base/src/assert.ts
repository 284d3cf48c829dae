/** Ends an exhaustive `switch`: adding a case to the union turns every forgotten `switch` into a compile error. */
export const assertNever = (value: never): never => {
  throw new Error(`unreachable: ${typeof value}`);
};

/** A broken invariant is a bug of ours, never the fault of an outside value: it throws, and ends the round. */
export function invariant(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${claim}`);
}
