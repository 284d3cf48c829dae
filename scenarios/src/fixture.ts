/** A federation of fixture trainers: updates that are known beforehand, and sums computed without the product. */
import type { Json } from "@bulkhead/base";
import fs from "node:fs";
import path from "node:path";
import {
  coordinatorFolder,
  type Federation,
  type FederationPlan,
  setUpFederation,
} from "./harness/federation.ts";
import { contentOf, filesBelow } from "./harness/files.ts";
import { freePort } from "./harness/port.ts";

export interface FixturePlan {
  readonly folder: string;
  readonly names: readonly string[];
  readonly length: number;
  readonly rounds: number;
  readonly attempts?: number;
  readonly timing?: { readonly [key: string]: Json };
  /** What becomes of the sum; added to the model unless said. */
  readonly rule?: { readonly [key: string]: Json };
}

const FIXTURE = path.join(import.meta.dirname, "..", "fixtures", "trainer.mjs");

/** Relative paths only, so that a copy of the folder is a federation of its own. With a range of Qmax a lane is worth 1, so that integer updates are carried exactly, whatever the rounding. */
export const setUpFixture = async ({
  folder,
  names,
  length,
  rounds,
  attempts = 1,
  timing = {},
  rule = { type: "fedavg", serverStep: 1 },
}: FixturePlan): Promise<Federation> => {
  const trainer = path.join(folder, "trainer");
  fs.mkdirSync(trainer, { recursive: true });
  fs.copyFileSync(FIXTURE, path.join(trainer, "trainer.mjs"));
  const sites = names.map((name, site) => {
    const data = path.join(folder, "data", name);
    fs.mkdirSync(data, { recursive: true });
    fs.writeFileSync(path.join(data, "rows.jsonl"), `${JSON.stringify({ text: name, label: site })}\n`);
    return {
      name,
      config: {
        data: {
          type: "jsonl",
          paths: [path.join("..", "..", "data", name, "rows.jsonl")],
          columns: { text: "text", label: "label" },
        },
        trainer: { module: path.join("..", "..", "trainer", "trainer.mjs") },
      },
    };
  });
  const range = Math.floor((2 ** 15 - 1) / names.length);
  const job: FederationPlan["job"] = {
    job: "fixture",
    purpose: "Sums of updates that are known beforehand",
    task: { kind: "module", tensors: [{ name: "weights", shape: [length], range }], initial: "zeros" },
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
      rule,
      weighting: { classes: 1, examplesPerClass: 1 },
    },
    ring: { bits: 16, segmentLanes: 4096 },
    cohort: { minimum: 3 },
    egress: { attemptsPerRound: attempts },
    timing: { stageMs: 5000, trainMs: 120_000, resumeMs: 2000, ...timing },
  };
  return setUpFederation({
    folder,
    sites,
    job,
    port: await freePort(),
    quickIdentities: true,
    coordinator: { startWaitMs: 60_000 },
  });
};

/** Lets a site deliver its update of this round. */
export const release = ({ folder }: Federation, site: number, round: number): void =>
  fs.writeFileSync(path.join(folder, "trainer", `go-${round}-${site}`), "");

const coordinate = (site: number, round: number, i: number): number =>
  (((((i + 1) * 7919 + site * 104_729 + round * 1_299_709) % 201) + 201) % 201) - 100;

/** What the sum of these sites must be. */
export const expectedSum = (sites: readonly number[], round: number, length: number): readonly number[] =>
  Array.from({ length }, (_, i) => sites.reduce((sum, site) => sum + coordinate(site, round, i), 0));

const CHECK_LANES = 8;

/** The published integer sum of a round, read from the coordinator's files without any code of the product. */
export const publishedSum = (
  federation: Federation,
  round: number,
  length: number,
): readonly number[] | undefined => {
  const ending = path.join("rounds", String(round), "sum.bin");
  const file = filesBelow(coordinatorFolder(federation)).find((name) => name.endsWith(ending));
  if (file === undefined) return undefined;
  const bytes = fs.readFileSync(file);
  const lanes: number[] = [];
  const segment = 4096 + 2 * CHECK_LANES;
  for (let lane = 0; lane * 2 < bytes.length && lanes.length < length; lane++) {
    const at = lane % segment;
    const isCheck = at < CHECK_LANES || at >= segment - CHECK_LANES;
    if (!isCheck) lanes.push(bytes.readInt16LE(lane * 2));
  }
  return lanes;
};

/** A stretch within one segment, long enough to be nobody else's. */
const STRETCH = { start: 100, length: 64 };

/** The provider's files in which a stretch of these numbers stands, as lanes or as floats. */
export const filesOfProviderWith = (
  federation: Federation,
  numbers: (i: number) => number,
): readonly string[] => {
  const values = Array.from({ length: STRETCH.length }, (_, i) => numbers(STRETCH.start + i));
  const forms = [Int16Array.from(values), Float32Array.from(values)].map(({ buffer }) => Buffer.from(buffer));
  return filesBelow(coordinatorFolder(federation)).filter((file) => {
    const content = contentOf(file);
    return forms.some((form) => content.includes(form));
  });
};

/** The provider's files with an update of one of these sites. */
export const filesOfProviderWithUpdates = (
  federation: Federation,
  sites: readonly number[],
  round: number,
): readonly string[] =>
  sites.flatMap((site) => filesOfProviderWith(federation, (i) => coordinate(site, round, i)));
