/** `data check`: reads every row as a run would, and says what it found; nothing is sent anywhere. */
import type { Json } from "@bulkhead/base";
import {
  type BadRow,
  badRowsAllowed,
  expectFewBadRows,
  type Gathered,
  gatherExamples,
  gatherRecords,
  openRows,
} from "@bulkhead/connectors";
import {
  EXIT,
  type ExitCode,
  humanBytes,
  type LoadedConfig,
  renderTable,
  stopSignal,
} from "@bulkhead/console";
import type { LanguageTask } from "@bulkhead/finetune";
import {
  classifierTaskOf,
  expectKnownTask,
  languageTaskOf,
  readAnyContractFile,
  tellResult,
} from "@bulkhead/party";
import type { Contract } from "@bulkhead/protocol";
import { loadSiteConfig, type SiteConfig } from "../config.ts";
import type { DataSettings } from "../settings.ts";
import { exampleSpec, recordSpec, rowsSpec } from "../site-rows.ts";

interface CheckOptions {
  readonly config: string;
  readonly contract?: string;
  readonly json?: true;
}

/** Every part is told before the first one above its limit ends the command. */
export const checkData = async ({
  config: file,
  contract: contractFile,
  json,
}: CheckOptions): Promise<ExitCode> => {
  const loaded = await loadSiteConfig(file);
  const contract =
    contractFile === undefined ? undefined : (await readAnyContractFile(contractFile)).contract;
  if (contract !== undefined) expectKnownTask(contract);
  const checks: Check[] = [];
  for (const part of ["data", "evaluation"] as const) {
    const check = await checkPart(part, loaded, contract);
    if (check !== undefined) checks.push(check);
  }
  tellResult(json, { parts: checks.map(record), ...drawn(contract, checks[0]) }, [
    ...checks.flatMap(lines),
    ...againstContract(contract, checks),
  ]);
  for (const { gathered, settings } of checks) expectFewBadRows(gathered, settings.badRowLimit);
  return EXIT.done;
};

interface Check {
  readonly part: "data" | "evaluation";
  readonly source: string;
  readonly settings: DataSettings;
  readonly gathered: Gathered<unknown>;
  /** Of a classifier by label, those without rows at the end left out where nobody says how many labels there are. */
  readonly perLabel: readonly { readonly label: string; readonly rows: number }[];
  readonly characters: number;
}

const checkPart = async (
  part: Check["part"],
  { config, where }: LoadedConfig<SiteConfig>,
  contract: Contract | undefined,
): Promise<Check | undefined> => {
  const settings = config[part];
  if (settings === undefined) return undefined;
  const task = contract && languageTaskOf(contract);
  if (task !== undefined) return checkRecords(part, settings, task);
  return checkExamples(
    part,
    settings,
    contract && classifierTaskOf(contract)?.classes,
    where(part, "labels"),
  );
};

const checkRecords = async (
  part: Check["part"],
  settings: DataSettings,
  task: LanguageTask,
): Promise<Check> => {
  const source = openRows(rowsSpec(settings));
  const gathered = await gatherRecords(source, recordSpec(settings, task), stopSignal());
  const characters = gathered.rows.reduce((sum, row) => sum + JSON.stringify(Object.values(row)).length, 0);
  return { part, source: source.describe, settings, gathered, perLabel: [], characters };
};

const checkExamples = async (
  part: Check["part"],
  settings: DataSettings,
  classes: number | undefined,
  place: string,
): Promise<Check> => {
  const source = openRows(rowsSpec(settings));
  const examples = await gatherExamples(source, exampleSpec(settings, classes, place), stopSignal());
  const last = examples.perLabel.findLastIndex((rows) => rows > 0);
  const isOpen = settings.labels === undefined && classes === undefined;
  const counts = isOpen ? examples.perLabel.slice(0, last + 1) : examples.perLabel;
  const named = (number: number) => settings.labels?.[number] ?? String(number);
  return {
    part,
    source: source.describe,
    settings,
    gathered: examples,
    perLabel: counts.map((rows, number) => ({ label: named(number), rows })),
    characters: examples.rows.reduce((sum, { text }) => sum + text.length, 0),
  };
};

/** UTF-16 in the worst case, and what an object with two fields takes. */
const memoryBytes = ({ characters, gathered }: Check): number => 2 * characters + 64 * gathered.rows.length;

const lines = (check: Check): readonly string[] => {
  const { part, source, settings, gathered, perLabel, characters } = check;
  const { rows, total, badCount, cutCount, bad } = gathered;
  const allowed = badRowsAllowed(settings.badRowLimit, total);
  return [
    `${part}: ${source}`,
    `  ${total} rows: ${rows.length} are good, ${badCount} bad (${allowed} are allowed); ${cutCount} texts are cut to ${settings.longestText} characters.`,
    `  Texts of ${characters.toLocaleString("en")} characters take up to ${humanBytes(memoryBytes(check))} of memory.`,
    ...(perLabel.length === 0
      ? []
      : [
          renderTable({
            head: ["label", "number", "rows"],
            rows: perLabel.map(({ label, rows: count }, number) => [label, number, count]),
          }),
        ]),
    ...badLines(bad, badCount),
    "",
  ];
};

const badLines = (bad: readonly BadRow[], count: number): readonly string[] => [
  ...(bad.length === 0
    ? []
    : [bad.length < count ? `  The first ${bad.length} bad rows:` : "  The bad rows:"]),
  ...bad.map(({ place, problem }) => `  ${place}  ${problem}`),
];

const againstContract = (contract: Contract | undefined, checks: readonly Check[]): readonly string[] => {
  const [data] = checks;
  if (contract === undefined || data === undefined) return [];
  const draws = drawn(contract, data).drawnPerRound;
  const empty = classifierTaskOf(contract)
    ? data.perLabel.filter(({ rows }) => rows === 0).map(({ label }) => label)
    : [];
  return [
    `Under contract ${contract.job} a round draws ${draws} of the ${data.gathered.rows.length} good rows.`,
    ...(empty.length === 0
      ? []
      : [`No row has the label ${empty.join(", ")}; the contract's classes have it.`]),
  ];
};

const drawn = (contract: Contract | undefined, data: Check | undefined) =>
  contract === undefined || data === undefined
    ? {}
    : { drawnPerRound: contract.training.localSteps * contract.training.batchSize };

const record = (check: Check): Json => {
  const { part, source, gathered, settings, perLabel, characters } = check;
  const { total, rows, badCount, cutCount, bad } = gathered;
  return {
    part,
    source,
    rows: total,
    good: rows.length,
    bad: badCount,
    badAllowed: badRowsAllowed(settings.badRowLimit, total),
    cut: cutCount,
    characters,
    memoryBytes: memoryBytes(check),
    perLabel: perLabel.map(({ label, rows: count }) => ({ label, rows: count })),
    firstBad: bad.map(({ place, problem }) => ({ place, problem })),
  };
};
