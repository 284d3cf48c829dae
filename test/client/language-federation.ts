/** A federation that trains a tiny language model: the contract as the coordinator drafts it, and the real trainer at each site. */
import fs from "node:fs";
import path from "node:path";
import { draftContract, loadJobDescription } from "@bulkhead/coordinator";
import { createIdentity, type Identity } from "@bulkhead/crypto";
import { openTrainer } from "@bulkhead/finetune";
import { jobOf, signContract } from "@bulkhead/protocol";
import { publicIdentityBytes } from "@bulkhead/store";
import type { Federation } from "../coordinator/federation.ts";
import { tinyLanguageModel } from "../finetune/tiny-language-model.ts";
import { freshFolder } from "../launch.ts";
import { settingsOf, type SiteOptions, siteFolder } from "./site.ts";

export interface LanguageFederation extends Federation {
  readonly modelFolder: string;
}

const publicOf = ({ name, signing }: Identity) => ({ name, publicKey: signing.publicKey });

export const LANGUAGE_TASK = {
  kind: "language-model",
  lora: { rank: 2, alpha: 4, targets: ["q_proj", "v_proj", "up_proj"], layers: [1] },
  seed: "5e".repeat(32),
  maxTokens: 24,
  rows: {
    type: "answer",
    prefix: "<|im_start|>",
    text: "{subject}: {body}",
    suffix: "?",
    answer: "{folder}",
  },
  heldOut: { key: "subject", oneIn: 4 },
};

export const LANGUAGE_TRAINING = {
  rounds: 2,
  localSteps: 4,
  batchSize: 4,
  learningRate: 0.03,
  schedule: { type: "linear", floor: 0.1 },
  clipNorm: 1,
};

/** `changes` are the job description's. */
export const languageFederation = async (
  changes: Readonly<Record<string, unknown>> = {},
): Promise<LanguageFederation> => {
  const folder = freshFolder();
  const modelFolder = tinyLanguageModel();
  const provider = createIdentity("provider");
  const members = [1, 2, 3].map((place) => createIdentity(`site-${place}`));
  const names = members.map((member) => {
    fs.writeFileSync(path.join(folder, `${member.name}.json`), publicIdentityBytes(publicOf(member)));
    return `${member.name}.json`;
  });
  const file = path.join(folder, "job.yaml");
  const job = {
    job: "folders",
    purpose: "Folders",
    provider: { address: "ws://127.0.0.1:1" },
    members: names,
    model: { folder: modelFolder, name: "tiny/llama", architecture: "llama" },
    task: LANGUAGE_TASK,
    training: LANGUAGE_TRAINING,
    update: { clipNorm: 4 },
    timing: { stageMs: 60_000, trainMs: 60_000, resumeMs: 100 },
    ...changes,
  };
  fs.writeFileSync(file, JSON.stringify(job));
  const { config } = await loadJobDescription(file);
  const { contract, initialModel: initial } = await draftContract(config, file, publicOf(provider));
  const initialModel = path.join(folder, "initial.safetensors");
  fs.writeFileSync(initialModel, initial);
  const signatures = [provider, ...members].map(({ name, signing }) => signContract(contract, name, signing));
  const signed = { contract, signatures };
  const state = path.join(folder, "state");
  return {
    folder,
    state,
    provider,
    members,
    contract,
    signed,
    job: jobOf(contract),
    initial,
    initialModel,
    modelFolder,
  };
};

const FOLDERS = ["news", "talk", "spam"];

/** Thirty mails of this site, whose folder follows from their subject; columns have the site's own names. */
const writeMails = (federation: Federation, place: number): string => {
  const file = path.join(siteFolder(federation, place), "mails.jsonl");
  const lines = Array.from({ length: 30 }, (_, i) => {
    const folder = FOLDERS[i % 3]!;
    return JSON.stringify({ Subject: `${folder[0]!}${place}${i}`, body: `mail ${i}`, folder });
  });
  fs.writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
};

/** For `startSite`: this site's mails and the real trainer in this thread. */
export const languageSite = (federation: LanguageFederation, place: number): Omit<SiteOptions, "url"> => ({
  settings: {
    data: {
      ...settingsOf(federation, place).data,
      paths: [writeMails(federation, place)],
      columns: { subject: "Subject" },
    },
    modelFolder: federation.modelFolder,
    backend: "cpu",
    activationBytes: { memory: 1024, disk: 2 ** 20 },
    keepEveryMs: 0,
  },
  cell: { openTrainer },
});
