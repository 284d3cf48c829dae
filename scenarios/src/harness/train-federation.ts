/** A federation in training, from the start of its processes to the coordinator's report. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import type { RunReport } from "../mail/words.ts";
import type { Stage } from "../scenario.ts";
import { coordinatorFolder, type Federation, siteFolder, startCoordinator, startSite } from "./federation.ts";
import { filesBelow } from "./files.ts";
import { fieldsOf, lineWith } from "./lines.ts";
import { tensorflowEnvironment } from "./tensorflow-environment.ts";

const ROUND_MS = 3_600_000;

/** Starts everybody, tells of each round, and gives the coordinator's report when all have ended. */
export const trainFederation = async (
  stage: Stage,
  federation: Federation,
  rounds: number,
): Promise<RunReport> => {
  const coordinator = startCoordinator(federation);
  await coordinator.line(lineWith({ event: "listening" }));
  const env = tensorflowEnvironment(federation.sites.length);
  const sites = federation.sites.map((name) => startSite(federation, name, { env }));
  for (let round = 1; round <= rounds; round++) {
    const applied = await coordinator.line(lineWith({ event: "round-applied", round }), {
      withinMs: ROUND_MS,
    });
    stage.say(`  round ${round} of ${rounds}: mean loss ${Number(applied["meanLoss"]).toFixed(4)}`);
  }
  const ends = await Promise.all([coordinator, ...sites].map((program) => program.ended));
  const codes = ends.map(({ code }) => code);
  stage.check(
    "provider and enterprises all end with code 0",
    codes.every((code) => code === 0),
    { codes },
  );
  return readReport(federation);
};

const readReport = (federation: Federation): RunReport => {
  const file = filesBelow(coordinatorFolder(federation)).find(
    (name) => path.basename(name) === "report.json",
  );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the coordinator's, by docs/report.md
  return fieldsOf(file === undefined ? "" : fs.readFileSync(file, "utf8")) as unknown as RunReport;
};

/** The checkpoint that loads is the very model that every enterprise has worked out for itself. */
export const checkCheckpoint = (
  { check }: Stage,
  federation: Federation,
  { checkpointDigest, rounds }: { readonly checkpointDigest: string; readonly rounds: number },
): void => {
  const digests = federation.sites.map((site) =>
    filesBelow(siteFolder(federation, site))
      .filter((file) => file.endsWith(".safetensors"))
      .map((file) => bytesToHex(sha256(fs.readFileSync(file)))),
  );
  check(
    "the checkpoint loads again and is, bit for bit, the model that every enterprise has worked out for itself",
    digests.every((site) => site.includes(checkpointDigest)),
    { checkpointDigest, rounds },
  );
};

/** Seconds since it was last asked. */
export const stopwatch = (): (() => number) => {
  let since = performance.now();
  return () => {
    const now = performance.now();
    const seconds = Math.round((now - since) / 10) / 100;
    since = now;
    return seconds;
  };
};
