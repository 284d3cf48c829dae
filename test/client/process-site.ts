/** One site as real processes beside members that the test plays in its own, under a coordinator of the test's own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Json, Secret, utf8 } from "@bulkhead/base";
import { sealIdentity } from "@bulkhead/crypto";
import { signedContractBytes } from "@bulkhead/protocol";
import { onTestFinished } from "vitest";
import type { Federation } from "../coordinator/federation.ts";
import type { Outcome } from "../launch.ts";

/** Built: unbuilt each of the three processes would compile its sources anew, behind a wall where no cache is. */
const BIN = fileURLToPath(new URL("../../client/bin/bulkhead-client.js", import.meta.url));
const TRAINER = new URL("../../scenarios/fixtures/trainer.mjs", import.meta.url);
const PASSPHRASE = "correct horse";

type Line = { readonly type?: string; readonly [field: string]: unknown };

export interface ProcessSite {
  readonly at: (...parts: readonly string[]) => string;
  /** Lets the trainer give its update of that round. */
  readonly release: (round: number) => void;
  readonly configure: (changed: { readonly [key: string]: Json }) => void;
  /** To its end. */
  readonly command: (name: string, ...args: readonly string[]) => Promise<Outcome>;
  readonly start: (...args: readonly string[]) => RunningSite;
  /** Processes that know of this site's folder: their ids and commands. */
  readonly processes: () => readonly string[];
}

interface RunningSite {
  readonly child: ChildProcess;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
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
  const sealed = sealIdentity(federation.members[0]!, new Secret(utf8(PASSPHRASE)), { logN: 10, r: 1, p: 1 });
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
      toEnd(launched([name, ...config, ...(name === "status" ? [] : pass), "--json", ...args])),
    start: (...args) => watched(launched(["run", ...config, ...pass, "--json", ...args])),
    processes: () =>
      spawnSync("ps", ["-eo", "pid,args"], { encoding: "utf8" })
        .stdout.split("\n")
        .filter((line) => line.includes(at("state"))),
  };
};

const launched = (args: readonly string[]): ChildProcess => {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
};

const endOf = (child: ChildProcess): Promise<number | string> =>
  new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal ?? "")));

const toEnd = async (child: ChildProcess): Promise<Outcome> => {
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (stderr += data.toString()));
  return { ended: await endOf(child), stdout, stderr };
};

const PATIENCE_MS = 90_000;

const watched = (child: ChildProcess): RunningSite => {
  const seen: Line[] = [];
  let wake = () => undefined as void;
  const ended = endOf(child);
  if (child.stdout !== null)
    createInterface(child.stdout).on("line", (text) => {
      seen.push(JSON.parse(text));
      wake();
    });
  let from = 0;
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
