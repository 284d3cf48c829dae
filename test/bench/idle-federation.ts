/** A federation whose sites train nothing, in real processes on the loopback: what is left is what a round costs. */
import fs from "node:fs";
import path from "node:path";
import {
  coordinatorFolder,
  type Federation,
  freePort,
  type Program,
  setUpFederation,
  startCoordinator,
  startSite,
} from "@bulkhead/scenarios";
import { cpuOfFamily } from "./process-cpu.ts";

export interface IdlePlan {
  readonly folder: string;
  readonly members: number;
  readonly parameters: number;
  readonly rounds: number;
  readonly segmentLanes: number;
  /** The coordinator's port, and the one that sites dial where that is another. */
  readonly listening?: number;
  readonly dialled?: number;
}

export interface PlayedRound {
  readonly seconds: number;
  /** What came up from one site, and went down to it, in bytes of protocol frames. */
  readonly up: number;
  readonly down: number;
  readonly secondsByStage: Readonly<Record<string, number>>;
}

/** Sets the federation up in the folder: identities, contract, signatures. */
export const setUpIdle = async (plan: IdlePlan): Promise<Federation> => {
  const trainer = path.join(plan.folder, "idle.mjs");
  fs.mkdirSync(plan.folder, { recursive: true });
  fs.copyFileSync(path.join(import.meta.dirname, "trainers", "idle.mjs"), trainer);
  const rows = path.join(plan.folder, "rows.jsonl");
  fs.writeFileSync(rows, `${JSON.stringify({ text: "nothing", label: 0 })}\n`);
  const data = { type: "jsonl", paths: [rows], columns: { text: "text", label: "label" } };
  const sites = Array.from({ length: plan.members }, (_, site) => ({
    name: `site-${site + 1}`,
    config: { data, trainer: { module: trainer } },
  }));
  const port = plan.listening ?? (await freePort());
  return setUpFederation({
    folder: plan.folder,
    sites,
    job: jobOf(plan),
    port: plan.dialled ?? port,
    coordinator: { startWaitMs: 120_000, listen: { host: "127.0.0.1", port } },
  });
};

const jobOf = ({ members, parameters, rounds, segmentLanes }: IdlePlan) => ({
  job: "idle",
  purpose: "What a round costs without training",
  task: {
    kind: "module",
    tensors: [{ name: "weights", shape: [parameters], range: Math.floor((2 ** 15 - 1) / members) }],
    initial: "zeros",
  },
  training: {
    rounds,
    localSteps: 1,
    batchSize: 1,
    learningRate: 1,
    schedule: "constant",
    optimiser: { type: "sgd" },
  },
  update: {
    clipNorm: 1e6,
    rule: { type: "fedavg", serverStep: 1 },
    weighting: { classes: 1, examplesPerClass: 1 },
  },
  ring: { bits: 16, segmentLanes },
  cohort: { minimum: 3 },
  egress: { attemptsPerRound: 1 },
  timing: { stageMs: 60_000, trainMs: 120_000, resumeMs: 2000 },
});

export interface Played {
  readonly rounds: readonly PlayedRound[];
  /** What all processes together used in a round after the warm-up; `undefined` where the system does not tell. */
  readonly cpuSeconds: number | undefined;
}

/** Plays all rounds. Of the first round the time counts from the moment when all members were there. */
export const playIdle = async (federation: Federation, { rounds, warm }: Span): Promise<Played> => {
  const coordinator = startCoordinator(federation);
  await coordinator.line((line) => (line.includes('"listening"') ? true : undefined));
  const sites = federation.sites.map((site) => startSite(federation, site));
  const cpuAfter = async (round: number): Promise<number | undefined> => {
    const isOver = (line: string) =>
      line.includes('"round-applied"') && line.includes(`"round":${round},`) ? true : undefined;
    await coordinator.line(isOver, { withinMs: LONGEST_ROUND_MS * round });
    return cpuOfFamily();
  };
  // The last round is not waited for: with it the sites end.
  const [from, to] = [await cpuAfter(warm), await cpuAfter(rounds - 1)];
  const { code } = await coordinator.ended;
  if (code !== 0) throw new Error(`the coordinator ended with ${code}: ${coordinator.lines.at(-1) ?? ""}`);
  await Promise.all(sites.map((site) => site.ended));
  const isKnown = from !== undefined && to !== undefined && rounds - 1 > warm;
  return {
    rounds: roundsOf(federation, coordinator),
    cpuSeconds: isKnown ? (to - from) / (rounds - 1 - warm) : undefined,
  };
};

interface Span {
  readonly rounds: number;
  /** Of these the last is where CPU time begins to count. */
  readonly warm: number;
}

const LONGEST_ROUND_MS = 120_000;

interface Line {
  readonly time: string;
  readonly event: string;
}

interface Report {
  readonly rounds: readonly {
    readonly secondsByStage: Readonly<Record<string, number>>;
    readonly bytesBySite: Readonly<Record<string, { readonly up: number; readonly down: number }>>;
  }[];
}

const roundsOf = (federation: Federation, { lines }: Program): readonly PlayedRound[] => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the coordinator's own log
  const events = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Line);
  const timesOf = (name: string) =>
    events.filter(({ event }) => event === name).map(({ time }) => Date.parse(time));
  const ends = timesOf("round-applied");
  const begins = [timesOf("attempt-opened")[0]!, ...ends];
  return reportOf(federation).rounds.map(({ secondsByStage, bytesBySite }, i) => ({
    seconds: (ends[i]! - begins[i]!) / 1000,
    ...Object.values(bytesBySite)[0]!,
    secondsByStage,
  }));
};

const reportOf = (federation: Federation): Report => {
  const state = path.join(coordinatorFolder(federation), "state");
  const name = fs
    .readdirSync(state, { recursive: true, encoding: "utf8" })
    .find((file) => file.endsWith("report.json"));
  if (name === undefined) throw new Error("the coordinator left no report");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the coordinator's own report
  return JSON.parse(fs.readFileSync(path.join(state, name), "utf8")) as Report;
};
