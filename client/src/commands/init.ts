/** `init`: an identity, and a site.yaml in which every key is explained. */
import path from "node:path";
import { bytesToHex, InputError, utf8 } from "@bulkhead/base";
import { openRows } from "@bulkhead/connectors";
import { EXIT, type ExitCode, type PassphraseSource } from "@bulkhead/console";
import { safetyNumber } from "@bulkhead/crypto";
import { expectAbsent, makeIdentity, tellResult } from "@bulkhead/party";
import { writeFileAtomic } from "@bulkhead/store";
import { siteConfigTemplate, type SiteValues } from "../config.ts";

interface InitOptions {
  readonly folder: string;
  readonly name: string;
  readonly data?: string;
  readonly model?: string;
  readonly passphrase: PassphraseSource;
  readonly json?: true;
}

/** Overwrites nothing. */
export const init = async (options: InitOptions): Promise<ExitCode> => {
  const { folder, name, json } = options;
  const [config, identity] = [path.join(folder, "site.yaml"), path.join(folder, "identity.key")];
  for (const file of [config, identity]) expectAbsent(file);
  const guess = options.data === undefined ? undefined : await guessData(options.data);
  const { publicKey } = await makeIdentity(identity, name, options.passphrase);
  const values: SiteValues = {
    identity: "identity.key",
    state: "state",
    ...(guess && {
      data: { ...guess.data, paths: guess.data.paths.map((file) => fromFolder(file, folder)) },
    }),
    ...(options.model === undefined ? {} : { model: { folder: fromFolder(options.model, folder) } }),
  };
  await writeFileAtomic(config, utf8(siteConfigTemplate(values)), { mode: 0o644 });
  tellResult(json, { name, publicKey: bytesToHex(publicKey), identity, config }, [
    `Identity of ${name} in ${identity}; keep it and its passphrase: nothing can replace them.`,
    `Safety number, for the others to compare: ${safetyNumber(publicKey)}`,
    `Config in ${config}${guess === undefined ? "; name your rows in it, under data" : ""}.`,
    ...(guess?.hint ?? []),
  ]);
  return EXIT.done;
};

interface Guess {
  readonly data: NonNullable<SiteValues["data"]>;
  readonly hint: readonly string[];
}

/** The type by the file's name, the columns by its first row. */
const guessData = async (file: string): Promise<Guess> => {
  const form = formOf(file);
  const columns = await columnsOf(file, form);
  if (columns.includes("text") && columns.includes("label"))
    return { data: { ...form, paths: [file], columns: { text: "text", label: "label" } }, hint: [] };
  return {
    data: { ...form, paths: [file] },
    hint: [
      `Its first row has no column "text" and "label"; name two of these in data.columns: ${columns.join(", ")}`,
    ],
  };
};

const formOf = (
  file: string,
): { readonly type: "jsonl" } | { readonly type: "csv"; readonly delimiter?: string } => {
  switch (path.extname(file).toLowerCase()) {
    case ".jsonl":
    case ".ndjson":
      return { type: "jsonl" };
    case ".csv":
      return { type: "csv" };
    case ".tsv":
      return { type: "csv", delimiter: "\t" };
    default:
      throw new InputError({
        code: "usage-option",
        place: "--data",
        problem: "its name does not say what it is",
        cure: "name a file or glob that ends with .jsonl, .ndjson, .csv or .tsv; or leave it out and write data into site.yaml",
      });
  }
};

const columnsOf = async (file: string, form: ReturnType<typeof formOf>): Promise<readonly string[]> => {
  const source = openRows({ ...form, paths: [file] });
  for await (const row of source.rows()) {
    if (row.type === "row") return Object.keys(row.fields);
    throw new InputError({
      code: "data-bad-rows",
      place: row.place,
      problem: `the first row is bad: ${row.problem}`,
      cure: "check that it is the right file",
    });
  }
  throw new InputError({
    code: "data-empty",
    place: source.describe,
    problem: "there are no rows in it",
    cure: "check that it is the right file",
  });
};

/** As it is to stand in the folder's config: what was named absolutely stays so. */
const fromFolder = (file: string, folder: string): string =>
  path.isAbsolute(file) ? file : path.relative(folder, file);
