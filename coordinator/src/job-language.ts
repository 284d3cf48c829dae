/** The task of kind `language-model` in `job.yaml`. */
import { z } from "@bulkhead/console";

const count = z.number().int().min(1);
const template = z.string().max(20_000);
const hex32 = z.string().regex(/^[0-9a-f]{64}$/u, "64 hexadecimal digits");

const lora = z.strictObject({
  rank: count.describe("Of the adapters."),
  alpha: z.number().positive().describe("The adapters' weight is alpha divided by rank."),
  targets: z
    .union([z.literal("all-linear"), z.array(z.string().min(1).max(200)).min(1)])
    .default("all-linear")
    .describe("Which projections have one: all-linear, or names as [q_proj, v_proj]."),
  layers: z
    .array(z.number().int().min(0))
    .min(1)
    .optional()
    .describe(
      "Which blocks, from 0; all of them if absent. Those below the first are run once for each row.",
    ),
  dropout: z.number().min(0).max(0.99).optional().describe("Share of the adapters' inputs that is dropped."),
  rankStabilised: z.boolean().optional().describe("Weight alpha divided by the root of rank (rsLoRA)."),
  frozenA: z
    .boolean()
    .optional()
    .describe("Only B is trained (FFA-LoRA): every party draws A from the seed. Half as much is sent."),
});

const text = z.strictObject({
  type: z.literal("text").describe("All of the text is learned."),
  text: template.describe("With {column} for a row's own text."),
});
const answer = z.strictObject({
  type: z.literal("answer").describe("Only the answer is learned, and that it ends."),
  prefix: template.default("").describe("The contract's own; special tokens in it are recognised."),
  text: template.describe("With {column} for a row's own text; cut where the row is too long."),
  suffix: template.default("").describe("As prefix."),
  answer: template.describe("With {column} for a row's own text."),
  end: template.optional().describe("What ends the answer; the model's end token if absent."),
});
const chat = z.strictObject({
  type: z.literal("chat").describe("A conversation in the model's chat template; its answers are learned."),
  messages: z.string().min(1).max(200).describe("The column: a list of objects with role and content."),
  day: z
    .string()
    .regex(/^\d{4}-\d\d-\d\d$/u, "a day as 2026-11-26")
    .refine((day) => !Number.isNaN(Date.parse(`${day}T00:00:00Z`)), "a day that there is")
    .optional()
    .describe("For templates that ask for the date."),
});

const heldOut = z.strictObject({
  key: z.string().min(1).max(200).describe("The column: rows of one key stand on one side, at every site."),
  oneIn: z.number().int().min(2).describe("One key in so many is held out, on average."),
  hash: z
    .enum(["fnv1a-32", "sha256"])
    .default("sha256")
    .describe("By which hash of the key; with sha256 nobody who writes rows can choose their side."),
  salt: z.string().max(200).optional().describe("Put before the key."),
});

export const languageTask = z.strictObject({
  kind: z.literal("language-model"),
  lora: lora.describe("Low-rank adapters: they are all that is trained."),
  maxTokens: count.describe("The longest row in tokens; longer ones are cut, which is counted and told."),
  rows: z
    .discriminatedUnion("type", [text, answer, chat])
    .describe("How a row's columns become what the model reads."),
  heldOut: heldOut.optional().describe("Rows on which each round's model is judged instead of trained."),
  seed: hex32
    .optional()
    .describe("64 hexadecimal digits that fix the adapters' first factors; drawn if absent."),
  deviation: z
    .number()
    .positive()
    .optional()
    .describe("Of the first factors' bell curve; without it they are drawn as PEFT draws them."),
  initial: z
    .string()
    .min(1)
    .optional()
    .describe("A model of an earlier job (models/N.safetensors in its state folder) to go on from."),
});
