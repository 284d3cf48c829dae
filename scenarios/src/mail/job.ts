/** The job of the mail filter, as a provider would write it in `job.yaml`. */
import type { Json } from "@bulkhead/base";

export interface MailRecipe {
  readonly rounds: number;
  readonly localSteps: number;
  readonly batchSize: number;
}

/** 3,072 examples over all sites. */
export const QUICK: MailRecipe = { rounds: 8, localSteps: 8, batchSize: 16 };
/** For machines without the native backend: 1,152 examples. */
export const SMALL: MailRecipe = { rounds: 6, localSteps: 8, batchSize: 8 };

export interface MailJobOptions {
  readonly recipe: MailRecipe;
  /** 32 bytes in hexadecimal: fixes the adapters' first factors. */
  readonly seed: string;
  readonly modelFolder: string;
}

export const mailJob = ({ recipe, seed, modelFolder }: MailJobOptions): { readonly [key: string]: Json } => ({
  job: "mail-filter",
  purpose: "One filter for unwanted mail for three enterprises, none of whose mail may leave",
  model: { folder: modelFolder, name: "all-MiniLM-L6-v2", architecture: "bert" },
  task: {
    kind: "classifier",
    classes: 2,
    maxTokens: 64,
    lora: { rank: 8, alpha: 16, layers: [3, 4, 5] },
    logitScale: 10,
    seed,
    labelPhrases: [
      [
        "a message to colleagues on a mailing list",
        "a technical question and answer about software",
        "a news article summary",
        "a personal reply in a discussion",
      ],
      [
        "spam: unsolicited commercial advertisement",
        "buy now, special offer, click here to order",
        "make money fast from home, guaranteed income",
        "adult content, free membership, cheap pills",
      ],
    ],
  },
  training: {
    ...recipe,
    learningRate: 3e-3,
    schedule: "linear-decay",
    optimiser: { type: "adam", beta1: 0.9, beta2: 0.99, epsilon: 1e-8 },
  },
  update: {
    clipNorm: 4,
    rule: { type: "fedavg", serverStep: 1 },
    // The sites have 562 to 689 mails: weights 26 to 31.
    weighting: { classes: 32, examplesPerClass: 22 },
  },
  ring: { bits: 16, segmentLanes: 1 << 20 },
  cohort: { minimum: 3 },
  metrics: [
    { name: "examples", most: 1_000_000, resolution: 1 },
    { name: "loss-sum", most: 100_000, resolution: 1 / 1024 },
  ],
  egress: { bytes: 10_000_000, attemptsPerRound: 3 },
  timing: { stageMs: 30_000, trainMs: 900_000, resumeMs: 30_000 },
  retention: "The provider keeps adapter and head of each round; sums are deleted with the job",
});
