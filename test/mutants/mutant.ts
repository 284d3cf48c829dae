/** A planted bug: a patch of the sources with the test that must see it. Patches are plain unified diffs under a head. */
import fs from "node:fs";
import path from "node:path";

export interface Mutant {
  readonly name: string;
  /** What is wrong with it. */
  readonly bug: string;
  /** The file, and the name of the test in it, that must fail. */
  readonly testFile: string;
  readonly testName: string;
  readonly file: string;
  readonly hunks: readonly Hunk[];
}

interface Hunk {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const FOLDER = path.join(import.meta.dirname, "patches");

export const readMutants = (): readonly Mutant[] =>
  fs
    .readdirSync(FOLDER)
    .filter((file) => file.endsWith(".patch"))
    .sort()
    .map((file) =>
      parseMutant(file.slice(0, -".patch".length), fs.readFileSync(path.join(FOLDER, file), "utf8")),
    );

export const parseMutant = (name: string, text: string): Mutant => {
  const lines = text.trimEnd().split("\n");
  const field = (label: string): string => {
    const line = lines.find((one) => one.startsWith(`${label}: `));
    if (line === undefined) throw new Error(`${name}: no line "${label}: …"`);
    return line.slice(label.length + 2);
  };
  const target = lines.find((line) => line.startsWith("+++ b/"));
  if (target === undefined) throw new Error(`${name}: no line "+++ b/…"`);
  return {
    name,
    bug: field("Bug"),
    testFile: field("Killed by"),
    testName: field("Test"),
    file: target.slice("+++ b/".length),
    hunks: hunksOf(lines.slice(lines.indexOf(target) + 1)),
  };
};

const hunksOf = (lines: readonly string[]): readonly Hunk[] => {
  const hunks: { before: string[]; after: string[] }[] = [];
  for (const line of lines) {
    if (line.startsWith("@@")) {
      hunks.push({ before: [], after: [] });
      continue;
    }
    const [sign, rest] = [line.slice(0, 1), line.slice(1)];
    const hunk = hunks.at(-1);
    if (hunk === undefined) throw new Error("a patch begins with a hunk");
    if (sign !== "+") hunk.before.push(rest);
    if (sign !== "-") hunk.after.push(rest);
  }
  return hunks;
};

/** The source with the bug in it; throws unless every hunk stands in it exactly once. */
export const mutate = ({ name, hunks }: Mutant, source: string): string =>
  hunks.reduce((text, { before, after }) => {
    const [was, is] = [before, after].map((lines) => `${lines.join("\n")}\n`);
    if (text.split(was!).length !== 2) throw new Error(`${name}: the patch does not apply any more`);
    return text.replace(was!, () => is!);
  }, source);
