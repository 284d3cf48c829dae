import { readFile } from "node:fs/promises";

const EXAMPLE = /```ts\n([\s\S]*?)```/u;
const IMPORT = /^import \{([^}]*)\} from "([^"]+)";$/gmu;
const PROMISE = /console\.log\(.*\); \/\/ (.*)$/gmu;

/** Runs the example of a README over the given modules: what it printed, and what its comments say that it prints. */
export const runExample = async (
  readme: URL,
  modules: Readonly<Record<string, unknown>>,
): Promise<{ readonly printed: readonly string[]; readonly promised: readonly string[] }> => {
  const source = EXAMPLE.exec(await readFile(readme, "utf8"))?.[1] ?? "";
  const body = source.replaceAll(IMPORT, 'const {$1} = modules["$2"];');
  const printed: string[] = [];
  const console = { log: (...values: readonly unknown[]) => printed.push(values.map(String).join(" ")) };
  // oxlint-disable-next-line typescript/no-implied-eval -- the text is a file of this repository
  const run: unknown = new Function("modules", "console", `return (async () => {${body}})();`);
  if (typeof run === "function") await run(modules, console);
  return { printed, promised: [...source.matchAll(PROMISE)].map(([, promise]) => promise ?? "") };
};
