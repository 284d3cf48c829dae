/** The config file of a command: YAML, checked by a schema, every error with its file, line, column and key. */
import { InputError, type InputProblem, Secret } from "@bulkhead/base";
import { stringify } from "yaml";
import type { z } from "zod";
import { type ConfigDocument, readConfigDocument } from "./config-document.ts";
import { findingsOf } from "./config-issues.ts";
import { expectStrict, type Path } from "./config-schema.ts";

export interface LoadedConfig<T> {
  readonly config: T;
  /** The file as it was read. */
  readonly bytes: Uint8Array;
  /** `site.yaml:5:10 rounds.count`, for checks that look at more than one value. */
  readonly where: (...path: Path) => string;
  /** The config as it is in force, with its defaults, as YAML; secrets are redacted. */
  readonly effective: () => string;
}

/**
 * Throws an {@link InputError} (`config-missing`, `config-encoding`, `config-syntax`, `config-unknown-key`,
 * `config-value`, `config-missing-key`) that describes the first thing to correct and lists the places of the rest.
 */
export const loadConfig = async <S extends z.ZodType>(
  file: string,
  schema: S,
): Promise<LoadedConfig<z.output<S>>> => {
  expectStrict(schema);
  const document = await readConfigDocument(file);
  const checked = schema.safeParse(document.value);
  if (!checked.success) throw configError(findingsOf(checked.error.issues, schema, document), document);
  return {
    config: checked.data,
    bytes: document.bytes,
    where: (...path) => document.placeOf(path),
    effective: () => stringify(redacted(checked.data)),
  };
};

const MOST_NAMED = 5;

const configError = ([first, ...rest]: readonly InputProblem[], document: ConfigDocument): InputError => {
  if (first === undefined) throw new Error(`${document.placeOf([])}: refused without a reason`);
  if (rest.length === 0) return new InputError(first);
  const named = rest.slice(0, MOST_NAMED).map((finding) => finding.place);
  const more = rest.length > MOST_NAMED ? ` and ${rest.length - MOST_NAMED} more` : "";
  return new InputError({ ...first, cure: `${first.cure}; also wrong: ${named.join(", ")}${more}` });
};

const redacted = (value: unknown): unknown => {
  if (value instanceof Secret) return value.toString();
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, redacted(field)]));
};
