/** What the schema found wrong, in words: which place, what is wrong there, what to do. Values are never repeated. */
import type { z } from "zod";
import type { InputProblem } from "@bulkhead/base";
import { type ConfigDocument, renderPath } from "./config-document.ts";
import { descriptionOf, keysAt, type Path, schemasAt } from "./config-schema.ts";
import { nearest } from "./nearest.ts";
import { printable } from "./printable.ts";

type Issue = z.core.$ZodIssue;

interface Finding extends InputProblem {
  readonly rank: number;
  readonly offset: number;
}

/** The findings in the order in which a person should look at them: misspelt keys, wrong values, missing keys. */
export const findingsOf = (
  issues: readonly Issue[],
  schema: z.ZodType,
  document: ConfigDocument,
): readonly InputProblem[] =>
  issues
    .flatMap((issue) => findings(issue, [], schema, document))
    .toSorted((a, b) => a.rank - b.rank || a.offset - b.offset);

const findings = (
  issue: Issue,
  parent: Path,
  schema: z.ZodType,
  document: ConfigDocument,
): readonly Finding[] => {
  const path = [...parent, ...issue.path];
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => unknownKey([...path, key], schema, document));
  const branch = issue.code === "invalid_union" ? likeliest(issue.errors) : undefined;
  if (branch !== undefined) return branch.flatMap((inner) => findings(inner, path, schema, document));
  return [
    isMissing(path, document.value)
      ? missingKey(path, schema, document)
      : wrongValue(issue, path, schema, document),
  ];
};

/** Of the alternatives of a union the one that what was written comes furthest with; none where all fail at once. */
const likeliest = (branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined => {
  const deep = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys"),
  );
  return deep.toSorted((a, b) => a.length - b.length)[0];
};

const unknownKey = (path: Path, schema: z.ZodType, document: ConfigDocument): Finding => {
  const known = keysAt(schema, path.slice(0, -1));
  const meant = nearest(String(path.at(-1)), known);
  return {
    rank: 0,
    offset: document.offsetOf(path),
    code: "config-unknown-key",
    place: printable(document.placeOf(path, "key")),
    problem: "there is no such key",
    cure: meant === undefined ? `keys that can stand here: ${known.join(", ")}` : `did you mean "${meant}"?`,
  };
};

const missingKey = (path: Path, schema: z.ZodType, document: ConfigDocument): Finding => ({
  rank: 2,
  offset: document.offsetOf(path),
  code: "config-missing-key",
  place: printable(document.placeOf(path)),
  problem: "it is missing",
  cure: withMeaning("add it", path, schema),
});

const wrongValue = (issue: Issue, path: Path, schema: z.ZodType, document: ConfigDocument): Finding => ({
  rank: 1,
  offset: document.offsetOf(path),
  code: "config-value",
  place: printable(document.placeOf(path)),
  problem: printable(problemOf(issue)),
  cure: withMeaning("correct it", path, schema),
});

const withMeaning = (cure: string, path: Path, schema: z.ZodType): string => {
  const meanings = schemasAt(schema, path).map(descriptionOf);
  const meaning = meanings.find((text) => text !== undefined);
  return meaning === undefined ? cure : `${cure}: ${renderPath(path.slice(-1))} is ${uncapitalised(meaning)}`;
};

const problemOf = (issue: Issue): string => {
  if (issue.code === "invalid_type" && issue.expected === "int") return "expected a whole number";
  if (issue.code === "invalid_union" && issue.errors.length > 0)
    return `expected ${[...new Set(issue.errors.flatMap(expectedBy))].join(" or ")}`;
  const said = uncapitalised(
    issue.message.replace(/^Invalid (input|option|string|discriminator value)[:.] /u, ""),
  );
  return said.replace(/, received null$/u, ", but the value is empty");
};

const expectedBy = (issues: readonly Issue[]): readonly string[] =>
  issues.flatMap((issue) =>
    issue.code === "invalid_type" ? [issue.expected] : [problemOf(issue).replace(/^expected /u, "")],
  );

const isMissing = (path: Path, value: unknown): boolean => {
  let inner = value;
  for (const key of path) {
    if (typeof inner !== "object" || inner === null || !Object.hasOwn(inner, key)) return true;
    inner = new Map<PropertyKey, unknown>(Object.entries(inner)).get(String(key));
  }
  return false;
};

const uncapitalised = (text: string): string =>
  /^[A-Z][a-z ]/u.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
