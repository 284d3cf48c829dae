/** A program of its own: `folder-baselines.js JOB.json`; its last line is the answer, in JSON. */
import { readFile } from "node:fs/promises";
import { bytesToHex, invariant, utf8 } from "@bulkhead/base";
import { openBackend, type TensorFlow } from "@bulkhead/compute";
import { EXIT, runMain } from "@bulkhead/console";
import { sha256 } from "@bulkhead/crypto";
import {
  type AdaptedModel,
  adaptModel,
  applyUpdate,
  canonicalModelBytes,
  freshMemory,
  generate,
  type LanguageRow,
  type LoadedModel,
  loadModel,
  openChooser,
  openLanguageFiles,
  openLanguageTokenizer,
  openLanguageTrainer,
  type ServerModel,
} from "@bulkhead/finetune";
import { readAnyContractFile, languageTaskOf, readInitialModel } from "@bulkhead/party";
import { type Contract, jobOf } from "@bulkhead/protocol";
import { folderStore } from "../mail/activation-folder.ts";
import { type AskedMail, answerTokens, type FolderReader, trainingRows, askedMails } from "./asked-mails.ts";
import { FOLDERS } from "./folder-mail.ts";
import type { FolderJudgement, FolderJudgingJob, FolderModelSource, SampleAnswer } from "./judge-folders.ts";
import { readAdapter } from "./read-adapter.ts";

interface Setting {
  readonly tf: TensorFlow;
  readonly job: FolderJudgingJob;
  readonly contract: Contract;
  readonly reader: FolderReader;
  readonly model: LoadedModel;
  readonly adapted: AdaptedModel;
  readonly initial: Float32Array;
}

const openSetting = async (jobFile: string): Promise<Setting> => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by judge-folders.ts
  const job = JSON.parse(await readFile(jobFile, "utf8")) as FolderJudgingJob;
  const { contract } = await readAnyContractFile(job.contract);
  const task = languageTaskOf(contract);
  invariant(task !== undefined, "the contract trains a language model");
  const place = { file: job.modelFile };
  const { tokenizer } = await openLanguageTokenizer(place);
  const { tf } = await openBackend("auto");
  const files = await openLanguageFiles(place);
  const model = await loadModel(tf, files.shape, "language-model", files.weights);
  await files.close();
  return {
    tf,
    job,
    contract,
    reader: { recipe: task.rows, reader: { tokenizer, maxTokens: task.maxTokens } },
    model,
    adapted: adaptModel(tf, model, task.lora),
    initial: readInitialModel(jobOf(contract), await readFile(job.initialModel), job.initialModel).flat,
  };
};

const modelFrom = async (setting: Setting, name: string, from: FolderModelSource): Promise<Float32Array> => {
  switch (from.type) {
    case "initial":
      return setting.initial;
    case "trained":
      return train(setting, name, from);
    case "checkpoint": {
      const { trained } = await readAdapter(from.folder, setting.model.shape);
      invariant(trained.length === setting.initial.length, "a checkpoint carries the contract's adapters");
      return trained;
    }
  }
};

/** The same rounds, schedule and optimiser as in the federation, without anybody else. */
const train = async (
  setting: Setting,
  name: string,
  { rows: files, localSteps }: Extract<FolderModelSource, { readonly type: "trained" }>,
): Promise<Float32Array> => {
  const { tf, job, contract, reader, model: base, adapted, initial } = setting;
  const { training, update } = contract;
  const rows = await trainingRows(files, reader);
  const store = folderStore(job.activations, ({ name: row }) => bytesOfRow(rows[Number(row)]!));
  const trainer = openLanguageTrainer(tf, base, { plan: adapted.plan, rows, store });
  const shuffleSeed = sha256(utf8(`baseline ${name} ${job.seed}`));
  let model: ServerModel = { flat: initial, memory: freshMemory(update.rule, initial.length) };
  for (let round = 1; round <= training.rounds; round++) {
    const outcome = await trainer.train({ ...training, localSteps, round, shuffleSeed, model: model.flat });
    invariant(outcome.type === "trained", "a baseline is trained on sound rows");
    console.log(`${name}: round ${round}, mean loss ${(outcome.lossSum / outcome.examples).toFixed(4)}`);
    model = applyUpdate(model, outcome.update, update.rule);
  }
  trainer.close();
  return model.flat;
};

/** Who is trained on it does not matter to what frozen layers make of it, nor which of its tokens are learned. */
const bytesOfRow = ({ ids }: LanguageRow): Uint8Array =>
  new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);

const judgeAll = async (jobFile: string): Promise<Readonly<Record<string, FolderJudgement>>> => {
  const setting = await openSetting(jobFile);
  const { tf, job, adapted, reader } = setting;
  const made = new Map<string, { readonly model: Float32Array; readonly seconds: number }>();
  for (const { name, from } of job.models) {
    const started = performance.now();
    const model = await modelFrom(setting, name, from);
    made.set(name, { model, seconds: Math.round((performance.now() - started) / 10) / 100 });
  }
  const mails = await askedMails(job.test, reader);
  const prompts = mails.map(({ prompt }) => prompt);
  const chooser = openChooser(tf, adapted, prompts, answerTokens(reader));
  const judged: Record<string, FolderJudgement> = {};
  for (const { name, speaks } of job.models) {
    const { model, seconds } = made.get(name)!;
    const chosen = await chooser.choose(model);
    judged[name] = {
      found: foundOf(mails, chosen),
      samples: speaks ? await samplesOf(setting, mails, model) : [],
      digest: bytesToHex(sha256(canonicalModelBytes(adapted.tensors, model))),
      trainingSeconds: seconds,
    };
  }
  return judged;
};

const foundOf = (mails: readonly AskedMail[], chosen: readonly number[]): FolderJudgement["found"] => {
  const shareOf = (folder: (typeof FOLDERS)[number]): number => {
    const there = mails.flatMap((mail, i) =>
      mail.folder === folder ? [FOLDERS[chosen[i]!] === folder] : [],
    );
    return there.filter(Boolean).length / there.length;
  };
  const [spam, linux, talk, news, filter] = FOLDERS.map(shareOf);
  return { spam: spam!, linux: linux!, talk: talk!, news: news!, filter: filter! };
};

const MOST_WORDS = 12;

/** What it writes to the first mail of each folder, in the greedy way. */
const samplesOf = async (
  { tf, adapted, reader }: Setting,
  mails: readonly AskedMail[],
  parameters: Float32Array,
): Promise<readonly SampleAnswer[]> => {
  const { tokenizer } = reader.reader;
  const samples: SampleAnswer[] = [];
  for (const folder of FOLDERS) {
    const { subject, prompt } = mails.find((mail) => mail.folder === folder)!;
    const stop = tokenizer.eos === undefined ? [] : [tokenizer.eos];
    const ids = await generate(tf, { adapted, parameters }, prompt, { mostTokens: MOST_WORDS, stop });
    samples.push({ subject, folder, answer: tokenizer.decode(ids) });
  }
  return samples;
};

runMain(async ([jobFile]) => {
  invariant(jobFile !== undefined, "called by a scenario");
  console.log(JSON.stringify(await judgeAll(jobFile)));
  return EXIT.done;
});
