/** One federation of the mail filter, from its contract to its judgement. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex, type Json, utf8 } from "@bulkhead/base";
import { humanSeconds } from "@bulkhead/console";
import { sha256 } from "@bulkhead/crypto";
import { coordinatorFolder, type Federation, setUpFederation, siteFolder } from "../harness/federation.ts";
import { freePort } from "../harness/port.ts";
import { checkCheckpoint, stopwatch, trainFederation } from "../harness/train-federation.ts";
import type { Stage } from "../scenario.ts";
import { judge, type JudgedModel, type Judgements } from "./baselines.ts";
import { mailJob, type MailRecipe } from "./job.ts";
import { MAIL_SITES, mailFile } from "./mail-sites.ts";
import { type Quality, qualityOf } from "./quality.ts";
import { filesWithRows } from "./row-search.ts";
import { roundsTable } from "./words.ts";

export interface SeedSetting {
  readonly seed: number;
  readonly recipe: MailRecipe;
  readonly modelFolder: string;
  /** The folder of the sites' mail. */
  readonly mail: string;
  /** Every text of every site. */
  readonly texts: readonly string[];
}

export interface SeedOutcome {
  readonly quality: Quality;
  readonly checkpoint: string;
  /** For the report. */
  readonly figures: Json;
}

export const playMailSeed = async (stage: Stage, setting: SeedSetting): Promise<SeedOutcome> => {
  const { seed } = setting;
  const folder = path.join(stage.folder, `seed-${seed}`);
  const clock = stopwatch();
  stage.say(
    `Seed ${seed}: a provider and ${MAIL_SITES.length} enterprises make identities, draft, review and sign.`,
  );
  const federation = await setUp(folder, setting);
  const setUpSeconds = clock();
  const run = await trainFederation(stage, federation, setting.recipe.rounds);
  stage.say(roundsTable(run));
  const trainingSeconds = clock();
  stage.say(`Training took ${humanSeconds(trainingSeconds)}. Now the same without a federation, to compare.`);
  const judged = await judgeAll(federation, setting, run.checkpoint);
  const baselineSeconds = clock();
  stage.say(`Comparing took ${humanSeconds(baselineSeconds)}.`);
  checkCheckpoint(stage, federation, {
    checkpointDigest: judged["federated"]!.digest,
    rounds: run.rounds.length,
  });
  checkSecrecy(stage, federation, setting);
  const quality = qualityOf(judged, MAIL_SITES);
  const { job: _job, rounds, checkpoint, members, threshold } = run;
  const seconds = { setUp: setUpSeconds, training: trainingSeconds, baselines: baselineSeconds };
  const figures = { seed, quality, members, threshold, rounds, checkpoint, seconds };
  return { quality, checkpoint, figures };
};

const setUp = async (
  folder: string,
  { seed, recipe, modelFolder, mail }: SeedSetting,
): Promise<Federation> => {
  fs.mkdirSync(folder);
  const sites = MAIL_SITES.map((name) => ({
    name,
    config: {
      data: {
        type: "jsonl",
        paths: [mailFile(mail, name, "train")],
        columns: { text: "text", label: "label" },
      },
      model: { folder: modelFolder },
    },
  }));
  const seedBytes = sha256(utf8(`mail filter, seed ${seed}`));
  const job = await mailJob({ recipe, modelFolder, seed: bytesToHex(seedBytes) });
  return setUpFederation({
    folder,
    sites,
    job,
    port: await freePort(),
    coordinator: { startWaitMs: 120_000 },
  });
};

/** Two processes side by side: the sites alone in one, the rest in the other. */
const judgeAll = async (
  federation: Federation,
  { seed, recipe, modelFolder, mail }: SeedSetting,
  checkpoint: string,
): Promise<Judgements> => {
  const rows = (site: string) => mailFile(mail, site, "train");
  const alone = MAIL_SITES.map((name): JudgedModel => {
    const from = { type: "trained", rows: [rows(name)], batchSize: recipe.batchSize } as const;
    return { name, from, own: [name] };
  });
  const together: readonly JudgedModel[] = [
    { name: "base", from: { type: "initial" }, own: [] },
    { name: "federated", from: { type: "checkpoint", folder: checkpoint }, own: MAIL_SITES },
    {
      name: "centralised",
      from: { type: "trained", rows: MAIL_SITES.map(rows), batchSize: MAIL_SITES.length * recipe.batchSize },
      own: [],
    },
  ];
  const tests = MAIL_SITES.map((site) => [site, mailFile(mail, site, "test")] as const);
  const { contract, initialModel } = federation;
  const activations = fs.mkdtempSync(path.join(federation.folder, "activations-"));
  const job = { contract, initialModel, modelFolder, activations, seed };
  // They judge at about the same time: from both ends, so that each finds half of the activations made.
  const [forwards, backwards] = [Object.fromEntries(tests), Object.fromEntries(tests.toReversed())];
  const judged = await Promise.all([
    judge({ ...job, tests: forwards, models: alone }, path.join(federation.folder, "alone")),
    judge({ ...job, tests: backwards, models: together }, path.join(federation.folder, "together")),
  ]);
  fs.rmSync(activations, { recursive: true });
  return { ...judged[0], ...judged[1] };
};

/** No mail at the provider; that the search finds mail where it is shows that it could have found it there. */
const checkSecrecy = ({ check }: Stage, federation: Federation, { mail, texts }: SeedSetting): void => {
  const found = filesWithRows(coordinatorFolder(federation), texts);
  check("no file of the provider holds a piece of any mail, its log included", found.length === 0, {
    files: found.slice(0, 5),
  });
  const logs = federation.sites.flatMap((site) => filesWithRows(siteFolder(federation, site), texts));
  check("no state or log of an enterprise holds a piece of any mail either", logs.length === 0, {
    files: logs.slice(0, 5),
  });
  check("the same search finds the enterprises' own files", filesWithRows(mail, texts).length === 6);
};
