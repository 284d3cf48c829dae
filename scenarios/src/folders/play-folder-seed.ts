/** One federation of the language model, from its contract to its judgement. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex, type Json, utf8 } from "@bulkhead/base";
import { humanSeconds } from "@bulkhead/console";
import { sha256 } from "@bulkhead/crypto";
import { coordinatorFolder, type Federation, setUpFederation, siteFolder } from "../harness/federation.ts";
import { freePort } from "../harness/port.ts";
import { checkCheckpoint, stopwatch, trainFederation } from "../harness/train-federation.ts";
import { filesWithRows } from "../mail/row-search.ts";
import { roundsTable, type RunReport } from "../mail/words.ts";
import type { Stage } from "../scenario.ts";
import { folderJob, type FolderModel, type FolderRecipe } from "./folder-job.ts";
import type { FolderMail } from "./folder-mail.ts";
import { type FolderQuality, folderQualityOf } from "./folder-quality.ts";
import { FOLDER_SITES, splitFolders } from "./folder-sites.ts";
import { answersTable, splitTable } from "./folder-words.ts";
import { type FolderJudgements, judgeFolders, type JudgedFolderModel } from "./judge-folders.ts";
import { rowsFile, writeFolderRows } from "./write-folder-rows.ts";

export interface FolderSeedSetting {
  /** Of the split and of all that is drawn. */
  readonly seed: number;
  readonly recipe: FolderRecipe;
  readonly model: FolderModel;
  readonly mails: readonly FolderMail[];
}

export interface FolderSeedOutcome {
  readonly quality: FolderQuality;
  readonly checkpoint: string;
  /** For the report. */
  readonly figures: Json;
}

export const playFolderSeed = async (
  stage: Stage,
  setting: FolderSeedSetting,
): Promise<FolderSeedOutcome> => {
  const { seed, mails } = setting;
  const home = path.join(stage.folder, `seed-${seed}`);
  const clock = stopwatch();
  const split = splitFolders(mails, seed);
  fs.mkdirSync(home);
  await writeFolderRows(rowsFolder(home), split);
  stage.say(
    `Seed ${seed}: three companies with each its own kind of mail, and a provider with a language model.`,
  );
  stage.say(splitTable(split));
  const federation = await setUp(home, setting);
  const setUpSeconds = clock();
  const run = await trainFederation(stage, federation, setting.recipe.rounds);
  const trainingSeconds = clock();
  stage.say(roundsTable(run));
  stage.say(`Training took ${humanSeconds(trainingSeconds)}. Now the same without a federation, to compare.`);
  const judged = await judgeAll(federation, setting, run.checkpoint);
  const baselineSeconds = clock();
  stage.say(`Comparing took ${humanSeconds(baselineSeconds)}.`);
  stage.say(answersTable(judged));
  checkCheckpoint(stage, federation, {
    checkpointDigest: judged["federated"]!.digest,
    rounds: run.rounds.length,
  });
  checkSecrecy(stage, federation, [...split.sites.values(), split.test].flat());
  const seconds = { setUp: setUpSeconds, training: trainingSeconds, baselines: baselineSeconds };
  return outcomeOf(setting, run, judged, seconds);
};

const outcomeOf = (
  { seed }: FolderSeedSetting,
  { rounds, checkpoint, members, threshold }: RunReport,
  judged: FolderJudgements,
  seconds: { readonly [part: string]: number },
): FolderSeedOutcome => {
  const quality = folderQualityOf(judged);
  const answers = { before: [...judged["base"]!.samples], after: [...judged["federated"]!.samples] };
  const found = Object.fromEntries(Object.entries(judged).map(([model, each]) => [model, each.found]));
  const figures = { seed, quality, found, answers, members, threshold, rounds, checkpoint, seconds };
  return { quality, checkpoint, figures };
};

const rowsFolder = (home: string): string => path.join(home, "mail");

const setUp = async (home: string, { seed, recipe, model }: FolderSeedSetting): Promise<Federation> => {
  const sites = FOLDER_SITES.map((name) => ({
    name,
    config: {
      data: { type: "jsonl", paths: [rowsFile(rowsFolder(home), name)] },
      model: { file: model.file },
    },
  }));
  const drawn = bytesToHex(sha256(utf8(`mail folders, seed ${seed}`)));
  return setUpFederation({
    folder: home,
    sites,
    job: await folderJob({ recipe, model, seed: drawn }),
    port: await freePort(),
    coordinator: { startWaitMs: 600_000 },
  });
};

/** Two processes side by side: the sites alone in one, the rest in the other. */
const judgeAll = async (
  { folder: home, contract, initialModel }: Federation,
  { seed, recipe, model: { file: modelFile } }: FolderSeedSetting,
  checkpoint: string,
): Promise<FolderJudgements> => {
  const rows = (site: string) => rowsFile(rowsFolder(home), site);
  const trainedOn = (sites: readonly string[]) =>
    ({ type: "trained", rows: sites.map(rows), localSteps: sites.length * recipe.localSteps }) as const;
  const alone = FOLDER_SITES.map((name): JudgedFolderModel => ({
    name,
    from: trainedOn([name]),
    speaks: false,
  }));
  const together: readonly JudgedFolderModel[] = [
    { name: "centralised", from: trainedOn(FOLDER_SITES), speaks: false },
    { name: "base", from: { type: "initial" }, speaks: true },
    { name: "federated", from: { type: "checkpoint", folder: checkpoint }, speaks: true },
  ];
  const activations = fs.mkdtempSync(path.join(home, "activations-"));
  const job = { contract, initialModel, modelFile, test: rows("test"), activations, seed };
  const judged = await Promise.all([
    judgeFolders({ ...job, models: alone }, path.join(home, "alone")),
    judgeFolders({ ...job, models: together }, path.join(home, "together")),
  ]);
  fs.rmSync(activations, { recursive: true });
  return { ...judged[0], ...judged[1] };
};

/** No mail at the provider; that the search finds mail where it is shows that it could have found it there. */
const checkSecrecy = ({ check }: Stage, federation: Federation, mails: readonly FolderMail[]): void => {
  const texts = mails.map(({ body }) => body);
  const found = filesWithRows(coordinatorFolder(federation), texts);
  check("no file of the provider holds a piece of any mail, its log included", found.length === 0, {
    files: found.slice(0, 5),
  });
  const logs = federation.sites.flatMap((site) => filesWithRows(siteFolder(federation, site), texts));
  check("no state or log of a company holds a piece of any mail either", logs.length === 0, {
    files: logs.slice(0, 5),
  });
  check(
    "the same search finds the companies' own files",
    filesWithRows(rowsFolder(federation.folder), texts).length === FOLDER_SITES.length + 1,
  );
};
