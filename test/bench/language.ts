/** Rows of language models, `--only finetune` for all of them: a step, its memory, loading, writing, and what an upload is beside a round. */
import { fork } from "node:child_process";
import path from "node:path";
import { languageFile } from "./language-work.ts";
import type { Bench, Row } from "./paired.ts";

const THREADS = {
  TF_NUM_INTRAOP_THREADS: "1",
  TF_NUM_INTEROP_THREADS: "1",
  TF_ENABLE_ONEDNN_OPTS: "1",
  TF_CPP_MIN_LOG_LEVEL: "2",
};

const inProcess = (name: string): Bench => ({
  name,
  run: () => {
    if (languageFile === undefined)
      throw new Error("the model is not there: node scripts/fetch-artefacts.mjs smollm2 fetches it");
    return new Promise<Row>((resolve, reject) => {
      const child = fork(path.join(import.meta.dirname, "language-process.ts"), [name], {
        env: { ...process.env, ...THREADS },
      });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own process says it
      child.on("message", (row) => resolve(row as Row));
      child.on("close", (code) => reject(new Error(`${name} ended with ${code}`)));
    });
  },
});

export const LANGUAGE_ROWS = [
  "finetune-step",
  "finetune-memory",
  "finetune-load",
  "finetune-generate",
  "finetune-upload",
] as const;

export type LanguageRowName = (typeof LANGUAGE_ROWS)[number];

export const languageBenches: readonly Bench[] = LANGUAGE_ROWS.map(inProcess);
