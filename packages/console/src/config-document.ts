/** A config file as a YAML document, and the place of each value in it. */
import { InputError } from "@bulkhead/base";
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from "yaml";
import type { Path } from "./config-schema.ts";
import { readConfigText } from "./config-text.ts";

export interface ConfigDocument {
  readonly bytes: Uint8Array;
  readonly value: unknown;
  /** `site.yaml:5:10 rounds.count`: of the value, or of the nearest thing around it that is there. */
  readonly placeOf: (path: Path, what?: "key" | "value") => string;
  /** Where it stands in the file, to sort by. */
  readonly offsetOf: (path: Path) => number;
}

/** Throws an {@link InputError} with line and column for what is not readable as one YAML document. */
export const readConfigDocument = async (file: string): Promise<ConfigDocument> => {
  const { bytes, text } = await readConfigText(file);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "error",
    stringKeys: true,
  });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [problem] = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0]);
  if (problem !== undefined) throw syntaxError(at(problem.pos[0]), problem.code);
  refuseAliases(document, at);
  const offsetOf = (path: Path, what: "key" | "value" = "value") => offsetIn(document, path, what) ?? 0;
  const placeOf = (path: Path, what?: "key" | "value") => {
    const place = at(offsetOf(path, what));
    return path.length === 0 ? place : `${place} ${renderPath(path)}`;
  };
  return { bytes, value: document.toJS(), placeOf, offsetOf };
};

/** `members[2].name`. */
export const renderPath = (path: Path): string => {
  let text = "";
  for (const key of path)
    text += typeof key === "number" ? `[${key}]` : text === "" ? String(key) : `.${String(key)}`;
  return text;
};

/** The parser's own words may quote the file, and so a secret: each kind of error has words of ours. */
const SYNTAX: Readonly<Record<string, readonly [problem: string, cure: string]>> = {
  DUPLICATE_KEY: ["this key stands here a second time", "keep one of them"],
  TAB_AS_INDENT: ["a tab is used to indent", "indent with spaces"],
  BAD_INDENT: ["the indentation does not fit what is around it", "align it with its neighbours"],
  MISSING_CHAR: ["a quote, bracket or colon is missing before this place", "add it"],
  BLOCK_AS_IMPLICIT_KEY: ["a value has a colon in it, or is indented too far", "put the value in quotes"],
  MULTILINE_IMPLICIT_KEY: ["a key goes over several lines", "check colon and indentation"],
  NON_STRING_KEY: ["a key is not a text", "put the key in quotes"],
  MULTIPLE_DOCS: ["a second document begins here", "keep one document in the file"],
  TAG_RESOLVE_FAILED: ["a tag (!name) is not known here", "remove the tag, or quote the value"],
  BAD_SCALAR_START: ["a value begins with a reserved character", "put the value in quotes"],
  BAD_DQ_ESCAPE: ["an escape (\\x) in double quotes is not known", "use single quotes"],
};

const syntaxError = (place: string, code: string): InputError => {
  const [problem, cure] = SYNTAX[code] ?? [
    `this is not YAML (${code})`,
    "check what stands before this place",
  ];
  return new InputError({ code: "config-syntax", place, problem, cure });
};

/** Aliases make files that grow when they are read, and values without a place of their own. */
const refuseAliases = (document: Document, at: (offset: number) => string): void => {
  visit(document, (_, node) => {
    if (!isAlias(node)) return;
    throw new InputError({
      code: "config-syntax",
      place: at(node.range?.[0] ?? 0),
      problem: "an alias (*name) stands here",
      cure: "write the value out, or quote it if it is meant as text",
    });
  });
};

/** Of the deepest part of `path` that the file has. */
const offsetIn = (document: Document, path: Path, what: "key" | "value"): number | undefined => {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [depth, key] of path.entries()) {
    const item = itemOf(node, key);
    if (item === undefined) break;
    const isAsked = what === "value" && depth === path.length - 1;
    offset = startOf(isAsked ? (item.value ?? item.key) : (item.key ?? item.value)) ?? offset;
    node = item.value;
  }
  return offset;
};

const itemOf = (
  node: unknown,
  key: PropertyKey,
): { readonly key?: unknown; readonly value: unknown } | undefined => {
  if (isSeq(node) && typeof key === "number") {
    const value = node.items[key];
    return value === undefined ? undefined : { value };
  }
  if (!isMap(node)) return undefined;
  return node.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
};

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);
