/** Names that a policy allows, by patterns. */

export const namesOf = (named: readonly { readonly name: string }[]): readonly string[] =>
  named.map(({ name }) => name);

const MOST_NAMED = 5;

export const refusedNames = (
  kind: string,
  names: readonly string[],
  allowed: readonly string[] | undefined,
): string | undefined => {
  if (allowed === undefined) return undefined;
  const refused = names.filter((name) => !allowed.some((pattern) => matchesPattern(pattern, name)));
  const [first, ...rest] = refused;
  if (first === undefined) return undefined;
  const shown = [first, ...rest.slice(0, MOST_NAMED - 1)].join(", ");
  const more = refused.length > MOST_NAMED ? ` and ${refused.length - MOST_NAMED} more` : "";
  const wanted = allowed.length === 0 ? "none" : allowed.slice(0, MOST_NAMED).join(", ");
  return `${kind}${refused.length > 1 ? "s" : ""} ${shown}${more}; this site allows ${wanted}`;
};

/** `*` stands for any run of characters. A search for each part in turn: no pattern makes it slow. */
export const matchesPattern = (pattern: string, name: string): boolean => {
  const [start = "", ...parts] = pattern.split("*");
  const end = parts.pop();
  if (end === undefined) return name === pattern;
  if (!name.startsWith(start)) return false;
  let at = start.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - end.length >= at && name.endsWith(end);
};
