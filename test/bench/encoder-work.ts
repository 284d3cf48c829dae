/** One training step of all-MiniLM-L6-v2 with adapters on every layer: 16 rows of 64 tokens, forward and backward. */
import fs from "node:fs";
import path from "node:path";
import {
  type ClassifierTask,
  classifierTensors,
  type Example,
  openClassifierTrainer,
  parameterCount,
  type TrainJob,
} from "@bulkhead/finetune";
import type { BackendPreference } from "@bulkhead/compute";

export const ENCODER = path.join(import.meta.dirname, "..", "..", ".cache", "minilm");
export const hasEncoder = fs.existsSync(path.join(ENCODER, "model.safetensors"));

export const BATCH = 16;
export const TOKENS = 64;

const TASK: ClassifierTask = {
  classes: 2,
  maxTokens: TOKENS,
  lora: { rank: 8, alpha: 16, layers: [0, 1, 2, 3, 4, 5] },
  logitScale: 10,
};

/** Longer than is read, so that every row has all its tokens. */
const TEXT = Array.from(
  { length: 2 * TOKENS },
  (_, i) => ["the", "list", "meets", "on", "monday"][i % 5],
).join(" ");
const EXAMPLES: readonly Example[] = Array.from({ length: BATCH }, (_, i) => ({ text: TEXT, label: i % 2 }));

export interface EncoderWork {
  readonly backend: string;
  /** Trains so many steps. */
  readonly train: (steps: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export const openEncoderWork = async (backend: BackendPreference): Promise<EncoderWork> => {
  const trainer = await openClassifierTrainer({
    modelFolder: ENCODER,
    task: TASK,
    examples: EXAMPLES,
    backend,
  });
  const model = new Float32Array(parameterCount(await classifierTensors(ENCODER, TASK)));
  for (const [i] of model.entries()) model[i] = Math.sin(i) / 50;
  return {
    backend: trainer.backend,
    train: async (steps) => {
      const outcome = await trainer.train(jobOf(model, steps));
      if (outcome.type === "failed") throw new Error(`training failed: ${outcome.code}`);
    },
    close: () => trainer.close(),
  };
};

const jobOf = (model: Float32Array, localSteps: number): TrainJob => ({
  model,
  round: 1,
  rounds: 1,
  localSteps,
  batchSize: BATCH,
  learningRate: 1e-3,
  optimiser: { type: "adam", beta1: 0.9, beta2: 0.99, epsilon: 1e-8 },
  schedule: "constant",
  shuffleSeed: new Uint8Array(32),
});

interface Product {
  readonly count: number;
  readonly batch: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

const [WIDTH, INNER, HEADS, LAYERS] = [384, 1536, 12, 6];

/**
 * The large matrix products of such a step: of each layer the forward ones, and backward those with respect to their
 * inputs only, since the weights are frozen. Attention has two inputs to each of its products.
 */
export const STEP_PRODUCTS: readonly Product[] = [
  { count: 2 * LAYERS, batch: 1, rows: BATCH * TOKENS, inner: WIDTH, columns: 3 * WIDTH },
  { count: 2 * LAYERS, batch: 1, rows: BATCH * TOKENS, inner: WIDTH, columns: WIDTH },
  { count: 2 * LAYERS, batch: 1, rows: BATCH * TOKENS, inner: WIDTH, columns: INNER },
  { count: 2 * LAYERS, batch: 1, rows: BATCH * TOKENS, inner: INNER, columns: WIDTH },
  { count: 3 * LAYERS, batch: BATCH * HEADS, rows: TOKENS, inner: WIDTH / HEADS, columns: TOKENS },
  { count: 3 * LAYERS, batch: BATCH * HEADS, rows: TOKENS, inner: TOKENS, columns: WIDTH / HEADS },
];

export const STEP_GFLOP =
  STEP_PRODUCTS.reduce(
    (sum, { count, batch, rows, inner, columns }) => sum + 2 * count * batch * rows * inner * columns,
    0,
  ) / 1e9;
