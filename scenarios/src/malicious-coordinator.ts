/**
 * Real clients against a coordinator that is altered in one place at a time: each client that is cheated must refuse with
 * the one right code, and release no share beyond those of an honest round; unaltered, the same coordinator publishes.
 */
import fs from "node:fs";
import path from "node:path";
import type { Json } from "@bulkhead/base";
import { expectedSum, publishedSum, release, setUpFixture } from "./fixture.ts";
import {
  copyFederation,
  type Federation,
  siteFolder,
  startCheatingCoordinator,
  startSite,
} from "./harness/federation.ts";
import { fieldsOf, lineWith } from "./harness/lines.ts";
import { freePort } from "./harness/port.ts";
import type { Program } from "./harness/program.ts";
import { type Attack, ATTACKS } from "./malicious/attacks.ts";
import type { WireLine } from "./malicious/tap.ts";
import type { Scenario, Stage } from "./scenario.ts";

const NAMES = ["amber", "birch", "cedar", "dune"];
const LENGTH = 2000;
const ROUNDS = 2;
/** Federations that are played side by side: each waits most of its time. */
const LANES = 3;
const WITHIN_MS = 240_000;

export const maliciousCoordinator: Scenario = {
  name: "malicious-coordinator",
  summary: "real clients against a coordinator that cheats in one way at a time",
  run: async (stage) => {
    stage.say(`setting up a provider and ${NAMES.length} sites`);
    const folder = path.join(stage.folder, "origin");
    fs.mkdirSync(folder);
    const origin = await setUpFixture({
      folder,
      names: NAMES,
      length: LENGTH,
      rounds: ROUNDS,
      timing: { stageMs: 6000, trainMs: 20_000, resumeMs: 5000 },
    });
    for (const site of NAMES.keys()) release(origin, site, 1);
    await playControl(stage, await copyOf(stage, origin, "control"));
    const attacks = await playAttacks(stage, origin);
    return { members: NAMES.length, attacks };
  },
};

const copyOf = async (stage: Stage, origin: Federation, name: string): Promise<Federation> =>
  copyFederation(origin, path.join(stage.folder, name), await freePort());

interface Cast {
  readonly coordinator: Program;
  readonly sites: readonly Program[];
  readonly wire: string;
}

const start = async (federation: Federation, attack: string): Promise<Cast> => {
  const wire = path.join(federation.folder, "wire.jsonl");
  const coordinator = startCheatingCoordinator(federation, attack, wire);
  await coordinator.line(lineWith({ event: "listening" }));
  return { coordinator, sites: NAMES.map((name) => startSite(federation, name)), wire };
};

const playControl = async ({ check }: Stage, federation: Federation): Promise<void> => {
  for (const site of NAMES.keys()) release(federation, site, 2);
  const { coordinator, sites, wire } = await start(federation, "none");
  const ends = await Promise.all([coordinator, ...sites].map((program) => program.ended));
  check(
    "unaltered, the coordinator publishes, and everybody ends with code 0",
    ends.every(({ code }) => code === 0),
    { codes: ends.map(({ code }) => code) },
  );
  for (let round = 1; round <= ROUNDS; round++) {
    const expected = expectedSum([...NAMES.keys()], round, LENGTH);
    const published = publishedSum(federation, round, LENGTH);
    check(`unaltered, the sum of round ${round} is exact`, published?.join() === expected.join());
  }
  const unmasked = NAMES.map((_, site) => unmaskCount(wire, site + 1));
  check(
    "unaltered, every site releases shares once a round",
    unmasked.every((count) => count === ROUNDS),
    { unmasked },
  );
};

/** Some at a time; the next one starts when one is over. */
const playAttacks = async (stage: Stage, origin: Federation): Promise<Json> => {
  const waiting = [...ATTACKS];
  const played: Json[] = [];
  const playNext = async (): Promise<void> => {
    for (let attack = waiting.shift(); attack !== undefined; attack = waiting.shift())
      played.push(await playAttack(stage, await copyOf(stage, origin, attack.name), attack));
  };
  await Promise.all(Array.from({ length: LANES }, playNext));
  return played;
};

const playAttack = async (stage: Stage, federation: Federation, attack: Attack): Promise<Json> => {
  const snapshot = `${federation.folder}-before`;
  if (attack.setsBack) fs.cpSync(federation.folder, snapshot, { recursive: true });
  const { coordinator, sites, wire } = await start(federation, attack.name);
  const started = attack.victims.map((id) => ({ id, name: NAMES[id - 1]!, program: sites[id - 1]! }));
  const victims = attack.setsBack
    ? await setBack({ ...federation, folder: snapshot }, federation, { coordinator, victims: started })
    : started;
  const refusals: { readonly site: string; readonly code: string; readonly exitCode: number | null }[] = [];
  for (const { name, program } of victims) {
    const ended = await program.endedWithin(WITHIN_MS);
    refusals.push({ site: name, code: refusalOf(program) ?? "none", exitCode: ended?.code ?? null });
  }
  for (const program of [coordinator, ...sites, ...victims.map((victim) => victim.program)]) program.kill();
  const { name, row, code, released = 0 } = attack;
  const unmasked = attack.victims.map((id) => unmaskCount(wire, id));
  const repeated = NAMES.filter((_, site) => unmaskCount(wire, site + 1, 1) > 1);
  stage.check(
    `${name}: ${victims.map((victim) => victim.name).join(", ")} refused with ${code}`,
    refusals.every((refusal) => refusal.code === code && refusal.exitCode === 3),
    { refusals: refusals.map((refusal) => ({ ...refusal })) },
  );
  stage.check(
    `${name}: ${released === 0 ? "no share was released" : "nothing was released beyond the honest round"}`,
    unmasked.every((count) => count === released) && repeated.length === 0,
    { unmasked, released, repeated },
  );
  return { name, row, code, refusals: refusals.map((refusal) => ({ ...refusal })), unmasked };
};

interface Victim {
  readonly id: number;
  readonly name: string;
  readonly program: Program;
}

/** Takes the victims' machines back to where they were before the start, and starts them there. */
const setBack = async (
  before: Federation,
  now: Federation,
  { coordinator, victims }: { readonly coordinator: Program; readonly victims: readonly Victim[] },
): Promise<readonly Victim[]> => {
  await coordinator.line(lineWith({ event: "attempt-opened", round: 2 }));
  const again: Victim[] = [];
  for (const { id, name, program } of victims) {
    program.kill();
    await program.ended;
    fs.rmSync(siteFolder(now, name), { recursive: true });
    fs.cpSync(siteFolder(before, name), siteFolder(now, name), { recursive: true });
    again.push({ id, name, program: startSite(now, name) });
  }
  return again;
};

/** The reason for which a client said that it ended. */
const refusalOf = ({ lines }: Program): string | undefined => {
  for (const line of lines.toReversed()) {
    const error = fieldsOf(line)?.["error"];
    if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string")
      return error.code.replace(/^abort-/u, "");
  }
  return undefined;
};

/** How many messages with shares a member has sent, in all or for one round. */
const unmaskCount = (wire: string, member: number, round?: number): number =>
  fs
    .readFileSync(wire, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by our own tap
    .map((line) => JSON.parse(line) as WireLine)
    .filter((line) => line.way === "up" && line.type === "unmask" && line.member === member)
    .filter((line) => round === undefined || line.round === round).length;
