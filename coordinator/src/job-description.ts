/** `job.yaml`: what a provider writes to draft a contract; relative paths are relative to the file. */
import path from "node:path";
import { type LoadedConfig, loadConfig, renderConfigTemplate, z } from "@bulkhead/console";
import { languageTask } from "./job-language.ts";
import { trainingSchema } from "./job-training.ts";

const hex32 = z.string().regex(/^[0-9a-f]{64}$/u, "64 hexadecimal digits");
const positive = z.number().positive();
const fraction = z.number().min(0).max(0.9999);
const count = z.number().int().min(1);
const milliseconds = z.number().int().min(0);
const file = z.string().min(1);

const serverStep = positive.default(1).describe("What the mean, or what becomes of it, is multiplied by.");
const average = z.strictObject({
  type: z.literal("fedavg").describe("The weighted mean is added to the model."),
  serverStep,
});
const momentum = z.strictObject({
  type: z.literal("fedavgm").describe("The mean joins a sum of earlier means, which is added to the model."),
  serverStep,
  momentum: fraction.default(0.9).describe("What is kept of that sum in each round."),
});
const adaptive = (type: "fedadam" | "fedyogi") =>
  z.strictObject({
    type: z.literal(type).describe("Each value moves in measure of its earlier means."),
    serverStep: positive.default(0.01).describe("About how far a value moves in a round."),
    beta1: fraction.default(0.9).describe("What is kept of the mean of means in each round."),
    beta2: fraction.default(0.99).describe("What is kept of the mean of their squares."),
    tau: positive.default(0.001).describe("The larger, the less rounds differ in how far they move."),
  });

const classifierTask = z.strictObject({
  kind: z.literal("classifier"),
  classes: count.describe("How many classes the labels have."),
  maxTokens: count.describe("The longest input in tokens, [CLS] and [SEP] included."),
  lora: z
    .strictObject({
      rank: count.describe("Of the adapters on query and value."),
      alpha: positive.describe("The adapters' weight is alpha divided by rank."),
      layers: z.array(z.number().int().min(0)).min(1).describe("Which encoder layers have one, from 0."),
    })
    .describe("Low-rank adapters: with the head they are all that is trained."),
  logitScale: positive.default(10).describe("What cosine similarities are multiplied by."),
  labelPhrases: z
    .array(z.array(z.string().min(1)).min(1))
    .min(2)
    .describe("For each class some texts that describe it: the head starts from them."),
  seed: hex32
    .optional()
    .describe("64 hexadecimal digits that fix the adapters' first factors; drawn if absent."),
  initial: file
    .optional()
    .describe("A model of an earlier job (models/N.safetensors in its state folder) to go on from."),
});

const moduleTask = z.strictObject({
  kind: z.literal("module"),
  tensors: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(200).describe("Its name in checkpoints."),
        shape: z.array(count).min(1).max(8).describe("Its sides."),
        range: positive.optional().describe("The largest magnitude that the ring carries."),
      }),
    )
    .min(1)
    .describe("All that is trained."),
  baseDigest: hex32
    .optional()
    .describe("SHA-256 of what the sites' modules train on, where they share something."),
  initial: file
    .default("zeros")
    .describe("zeros, or a safetensors file with exactly these tensors in this order."),
  settings: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .describe("What the sites' modules are told."),
});

const jobSchema = z.strictObject({
  job: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/u, "lower-case letters, digits, dot, dash, underscore")
    .describe("The job's name."),
  purpose: z.string().min(1).max(500).describe("What the model is for, in a sentence that the sites sign."),
  provider: z
    .strictObject({
      address: z
        .string()
        .regex(/^wss?:\/\//u, "an address that begins with ws:// or wss://")
        .describe("Where members reach the coordinator: wss://host:port, or ws://host:port."),
    })
    .describe("The provider's side."),
  members: z
    .array(file)
    .default([])
    .describe(
      "The files that `bulkhead-client identity export` wrote, one for each site. Their order is their number.",
    ),
  model: z
    .strictObject({
      folder: file.optional().describe("The base model in Hugging Face layout."),
      file: file.optional().describe("Or one GGUF file, for a language model."),
      name: z.string().min(1).max(120).describe("What it is called."),
      architecture: z.string().min(1).max(60).default("bert").describe("Its architecture."),
    })
    .refine(
      ({ folder, file: one }) => (folder === undefined) !== (one === undefined),
      "either folder or file",
    )
    .optional()
    .describe("The frozen base model; every site has it, only its digest is compared. Not for module tasks."),
  task: z.discriminatedUnion("kind", [classifierTask, languageTask, moduleTask]).describe("What is trained."),
  training: trainingSchema,
  update: z
    .strictObject({
      clipNorm: positive.describe("No update is longer than this (L2)."),
      rule: z
        .discriminatedUnion("type", [average, momentum, adaptive("fedadam"), adaptive("fedyogi")])
        .default({ type: "fedavg", serverStep: 1 })
        .describe("What every party does with the sum: fedavg, fedavgm, fedadam or fedyogi."),
      weighting: z
        .strictObject({
          classes: count.default(1).describe("1 weighs all sites the same; 16 bits take up to 32 classes."),
          examplesPerClass: count.default(1).describe("Rows for one step of weight."),
        })
        .prefault({})
        .describe("How much a site counts: its rows, in so many classes."),
    })
    .describe("What becomes of updates."),
  ring: z
    .strictObject({
      bits: z
        .union([z.literal(16), z.literal(32)])
        .default(16)
        .describe("Of a lane: 16 (two bytes a parameter) or 32."),
      segmentLanes: count.default(1 << 20).describe("Lanes that share a keystream."),
    })
    .prefault({})
    .describe("The arithmetic of the sum."),
  cohort: z
    .strictObject({
      minimum: z
        .number()
        .int()
        .min(3)
        .optional()
        .describe("The fewest members in a sum; 5, or all where they are fewer."),
    })
    .prefault({})
    .describe("No sum is revealed of fewer members."),
  metrics: z
    .array(
      z.strictObject({
        name: z
          .string()
          .min(1)
          .describe(
            "examples and loss-sum are known to every trainer; held-out-rows, -answers, -loss-sum, -right and -exact where a language model's task holds rows out.",
          ),
        most: positive.describe("The largest value of one site."),
        resolution: positive.describe("The step in which it leaves."),
      }),
    )
    .optional()
    .describe(
      "Numbers that leave inside the sum; by default examples and loss-sum, and those of held-out rows where there are any.",
    ),
  egress: z
    .strictObject({
      bytes: count.optional().describe("What may leave one site in all; by default what the rounds need."),
      attemptsPerRound: z
        .number()
        .int()
        .min(1)
        .max(100)
        .default(3)
        .describe("How often a round may be tried."),
    })
    .prefault({})
    .describe("Bounds on what leaves a site."),
  timing: z
    .strictObject({
      stageMs: milliseconds.default(30_000).describe("For an answer in a short stage."),
      trainMs: milliseconds.default(900_000).describe("For training, masking and upload."),
      resumeMs: milliseconds.default(60_000).describe("How long a lost link may stay lost without loss."),
    })
    .prefault({})
    .describe("How long anybody waits."),
  retention: z
    .string()
    .max(500)
    .default("The provider keeps the model and the sum of each round until the job is deleted")
    .describe("What is kept, and how long."),
  parent: hex32.optional().describe("The digest of the contract that this one goes on from."),
});

export type JobDescription = z.output<typeof jobSchema>;

/** With absolute paths. Throws an {@link InputError} that names file, line, column and key. */
export const loadJobDescription = async (path_: string): Promise<LoadedConfig<JobDescription>> => {
  const loaded = await loadConfig(path_, jobSchema);
  const at = (relative: string) => path.resolve(path.dirname(path_), relative);
  const { config } = loaded;
  return {
    ...loaded,
    config: {
      ...config,
      members: config.members.map(at),
      ...(config.model === undefined ? {} : { model: absolute(config.model, at) }),
    },
  };
};

const absolute = (
  model: NonNullable<JobDescription["model"]>,
  at: (relative: string) => string,
): NonNullable<JobDescription["model"]> => ({
  ...model,
  ...(model.folder === undefined ? {} : { folder: at(model.folder) }),
  ...(model.file === undefined ? {} : { file: at(model.file) }),
});

/** A file to fill in: every key with its meaning. */
export const jobTemplate = (): string =>
  renderConfigTemplate(jobSchema, {
    title: "What a contract is drafted from: bulkhead-coordinator contract draft --job job.yaml",
    values: {
      members: ["north.identity.json", "east.identity.json", "west.identity.json"],
      provider: { address: "ws://127.0.0.1:7443" },
    },
  });
