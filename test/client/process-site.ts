/** One site as real processes beside members that the test plays in its own, under a coordinator of the test's own. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { type Json, Secret, utf8 } from "@bulkhead/base";
import { sealIdentity } from "@bulkhead/crypto";
import { signedContractBytes } from "@bulkhead/protocol";
import { onTestFinished } from "vitest";
import type { Federation } from "../coordinator/federation.ts";
import { launch, type Outcome, type Running, runToEnd } from "../launch.ts";

const MAIN = new URL("../../client/src/main.ts", import.meta.url);
const TRAINER = new URL("../../scenarios/fixtures/trainer.mjs", import.meta.url);
const PASSPHRASE = "correct horse";

export type Line = { readonly type?: string; readonly [field: string]: unknown };

export interface ProcessSite {
  readonly at: (...parts: readonly string[]) => string;
  /** Lets the trainer give its update of that round. */
  readonly release: (round: number) => void;
  readonly configure: (changed: { readonly [key: string]: Json }) => void;
  /** To its end. */
  readonly command: (name: string, ...args: readonly string[]) => Promise<Outcome>;
  readonly start: (...args: readonly string[]) => RunningSite;
  /** Processes that know of this site's folder. */
  readonly processes: () => readonly string[];
}

export interface RunningSite {
  readonly child: Running["child"];
  readonly ended: Running["ended"];
  /** Waits for a line with these fields. */
  readonly line: (wanted: Line) => Promise<Line>;
}

/** Member 1 of the federation, its trainer the scenarios' fixture. */
export const newProcessSite = (federation: Federation, url: string): ProcessSite => {
  const at = (...parts: readonly string[]) => path.join(federation.folder, "site", ...parts);
  fs.mkdirSync(at("trainer"), { recursive: true });
  fs.copyFileSync(TRAINER, at("trainer", "trainer.mjs"));
  fs.writeFileSync(at("rows.jsonl"), `${JSON.stringify({ text: "a row", label: 0 })}\n`);
  fs.writeFileSync(at("passphrase"), `${PASSPHRASE}\n`, { mode: 0o600 });
  const sealed = sealIdentity(federation.members[0]!, new Secret(utf8(PASSPHRASE)));
  fs.writeFileSync(at("identity.key"), sealed, { mode: 0o600 });
  fs.writeFileSync(at("signed-contract.json"), signedContractBytes(federation.signed));
  const configure: ProcessSite["configure"] = (changed) =>
    fs.writeFileSync(
      at("site.yaml"),
      JSON.stringify({
        identity: "identity.key",
        state: "state",
        data: { type: "jsonl", paths: ["rows.jsonl"] },
        trainer: { module: "trainer/trainer.mjs" },
        network: { address: url, proxy: "none", reachMs: 20_000 },
        ...changed,
      }),
    );
  configure({});
  const config = ["--config", at("site.yaml")];
  const pass = ["--contract", at("signed-contract.json"), "--passphrase-file", at("passphrase")];
  return {
    at,
    configure,
    release: (round) => fs.writeFileSync(at("trainer", `go-${round}-0`), ""),
    command: (name, ...args) =>
      runToEnd(MAIN, [name, ...config, ...(name === "status" ? [] : pass), "--json", ...args]),
    start: (...args) => watched(launch(MAIN, ["run", ...config, ...pass, "--json", ...args])),
    processes: () =>
      spawnSync("ps", ["-eo", "args"], { encoding: "utf8" })
        .stdout.split("\n")
        .filter((line) => line.includes(at("state"))),
  };
};

const PATIENCE_MS = 90_000;

const watched = ({ child, lines, ended }: Running): RunningSite => {
  const seen: Line[] = [];
  let wake = () => undefined as void;
  void (async () => {
    for await (const line of lines) {
      seen.push(JSON.parse(line));
      wake();
    }
    wake();
  })();
  let from = 0;
  onTestFinished(() => void child.kill("SIGKILL"));
  const line: RunningSite["line"] = async (wanted) => {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const at = seen.findIndex((one, i) => i >= from && hasFields(one, wanted));
      if (at >= 0) {
        from = at + 1;
        return seen[at]!;
      }
      if (Date.now() > deadline)
        throw new Error(`no line ${JSON.stringify(wanted)}; last: ${JSON.stringify(seen.at(-1))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  return { child, ended, line };
};

const hasFields = (line: Line, wanted: Line): boolean =>
  Object.entries(wanted).every(([name, value]) => line[name] === value);
