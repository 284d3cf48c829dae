/**
 * The coordinator is killed before and after everything that it makes last, in each stage of its rounds, and started
 * again each time; the final model must be, bit for bit, that of an undisturbed run from a copy of the same folders.
 */
import { bytesToHex } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import fs from "node:fs";
import path from "node:path";
import { release, setUpFixture } from "./fixture.ts";
import {
  copyFederation,
  coordinatorFolder,
  type Federation,
  siteFolder,
  startCoordinator,
  startSite,
} from "./harness/federation.ts";
import { filesBelow } from "./harness/files.ts";
import { freePort } from "./harness/port.ts";
import type { Program } from "./harness/program.ts";
import type { Scenario, Stage } from "./scenario.ts";

const NAMES = ["amber", "birch", "cedar"];
const LENGTH = 5000;
const MOST_STARTS = 400;
const HOOK = path.join(import.meta.dirname, "..", "fixtures", "kill-at-persist.mjs");
const STAGES = [
  "collecting-adverts",
  "collecting-shares",
  "collecting-inputs",
  "collecting-agreements",
  "collecting-reveals",
  "unmasking",
  "published",
];

export const coordinatorCrash: Scenario = {
  name: "coordinator-crash",
  summary: "the coordinator killed before and after every persist, in each stage",
  run: async (stage) => {
    const { rounds } = stage.options;
    const origin = path.join(stage.folder, "origin");
    fs.mkdirSync(origin, { recursive: true });
    const federation = await setUpFixture({
      folder: origin,
      names: NAMES,
      length: LENGTH,
      rounds,
      timing: { stageMs: 120_000, trainMs: 600_000, resumeMs: 600_000 },
      // One that remembers earlier rounds: its memory must come back too.
      rule: { type: "fedadam" },
    });
    for (let round = 1; round <= rounds; round++)
      for (const site of NAMES.keys()) release(federation, site, round);
    const copy = async (name: string) =>
      copyFederation(federation, path.join(stage.folder, name), await freePort());
    const undisturbed = await playUndisturbed(stage, await copy("undisturbed"));
    const [before, after] = await Promise.all(
      (["before", "after"] as const).map(async (when) =>
        playWithKills(stage, await copy(`killed-${when}`), { when, undisturbed }),
      ),
    );
    const kills = { before: before!, after: after! };
    return { model: undisturbed, kills };
  },
};

const playUndisturbed = async ({ say, check }: Stage, federation: Federation): Promise<string> => {
  say("an undisturbed run");
  const coordinator = startCoordinator(federation);
  const sites = NAMES.map((name) => startSite(federation, name));
  const ends = await Promise.all([coordinator, ...sites].map((program) => program.ended));
  check(
    "undisturbed, everybody ends with code 0",
    ends.every(({ code }) => code === 0),
    {
      codes: ends.map(({ code }) => code),
    },
  );
  return modelOf(federation);
};

interface Killing {
  readonly when: "before" | "after";
  readonly undisturbed: string;
}

const playWithKills = async (stage: Stage, federation: Federation, { when, undisturbed }: Killing) => {
  stage.say(`killed ${when} every persist`);
  const sites = NAMES.map((name) => startSite(federation, name));
  const stages = new Map<string, number>();
  const diedAt = path.join(federation.folder, "died-at.txt");
  let starts = 0;
  for (let code: number | null = null; code === null && starts < MOST_STARTS; starts++) {
    const coordinator = startCoordinator(federation, {
      nodeOptions: ["--import", HOOK],
      env: { BULKHEAD_SCENARIO_KILL: when, BULKHEAD_SCENARIO_DIED_AT: diedAt },
    });
    ({ code } = await coordinator.ended);
    if (code === null) countStage(stages, coordinator);
    if (code !== null && code !== 0)
      stage.check(`killed ${when}: starts again`, false, { code, last: coordinator.lines.at(-1) ?? "" });
  }
  const ends = await Promise.all(sites.map((site) => site.ended));
  stage.check(
    `killed ${when}: every site ends with code 0`,
    ends.every(({ code }) => code === 0),
    {
      codes: ends.map(({ code }) => code),
    },
  );
  const missed = STAGES.filter((name) => !stages.has(name));
  stage.check(`killed ${when}: in each stage`, missed.length === 0, { missed });
  const model = modelOf(federation);
  stage.check(`killed ${when}: the model is bit-identical at the provider`, model === undisturbed, {
    model,
    undisturbed,
  });
  stage.check(
    `killed ${when}: and at every site`,
    NAMES.every((name) => siteHas(federation, name, model)),
  );
  return { starts, stages: Object.fromEntries(stages) };
};

/**
 * The stage that it had come to, and the one that it found kept when it started: what is kept together goes through a stage
 * in one step.
 */
const countStage = (stages: Map<string, number>, { lines }: Program): void => {
  const seen = lines.map(stageOf).filter((name) => name !== undefined);
  const found = lines.filter((line) => line.includes('"attempt-resumed"')).map(stageOf);
  for (const stage of new Set([seen.at(-1) ?? "between rounds", ...found]))
    if (stage !== undefined) stages.set(stage, (stages.get(stage) ?? 0) + 1);
};

const stageOf = (line: string): string | undefined =>
  /"after":"(?<stage>[a-z-]+)"/u.exec(line)?.groups?.["stage"];

/** What the coordinator keeps for itself: the model, and what the rule remembers. */
const modelOf = (federation: Federation): string => {
  const roundOf = (file: string) => Number(/models\/(\d+)\.safetensors$/u.exec(file)?.[1] ?? 0);
  const files = filesBelow(path.join(coordinatorFolder(federation), "state"));
  const model = files.filter((file) => roundOf(file) > 0).toSorted((a, b) => roundOf(b) - roundOf(a))[0];
  return model === undefined ? "none" : digest(model);
};

const siteHas = (federation: Federation, site: string, model: string): boolean =>
  filesBelow(path.join(siteFolder(federation, site), "state")).some(
    (file) => file.endsWith(".safetensors") && digest(file) === model,
  );

const digest = (file: string): string => bytesToHex(sha256(fs.readFileSync(file)));
