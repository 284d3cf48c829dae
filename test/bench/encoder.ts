/** Rows of training: a step of the encoder natively on one thread and on two, and on wasm with and without repairs. */
import { fork } from "node:child_process";
import path from "node:path";
import { hasEncoder } from "./encoder-work.ts";
import type { Bench, Row } from "./paired.ts";

const inProcess = (name: string, kind: string, env: NodeJS.ProcessEnv = {}): Bench => ({
  name,
  run: () => {
    if (!hasEncoder)
      throw new Error("the encoder is not there: node scripts/fetch-artefacts.mjs minilm fetches it");
    return new Promise<Row>((resolve, reject) => {
      const child = fork(path.join(import.meta.dirname, "encoder-process.ts"), [name, kind], {
        env: { ...process.env, ...env },
      });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own process says it
      child.on("message", (row) => resolve(row as Row));
      child.on("close", (code) => reject(new Error(`${name} ended with ${code}`)));
    });
  },
});

const threads = (count: number): NodeJS.ProcessEnv => ({
  TF_NUM_INTRAOP_THREADS: String(count),
  TF_NUM_INTEROP_THREADS: "1",
  TF_ENABLE_ONEDNN_OPTS: "1",
  TF_CPP_MIN_LOG_LEVEL: "2",
});

export const encoderBenches: readonly Bench[] = [
  inProcess("encoder-step", "native", threads(1)),
  inProcess("encoder-step-2", "native", threads(2)),
  inProcess("wasm-step", "wasm"),
];
