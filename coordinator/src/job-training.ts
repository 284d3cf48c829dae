/** The part of `job.yaml` that says how sites train. */
import { z } from "@bulkhead/console";

const positive = z.number().positive();
const fraction = z.number().min(0).max(0.9999);
const count = z.number().int().min(1);

const curve = (type: "constant" | "linear" | "cosine", meaning: string) =>
  z.strictObject({
    type: z.literal(type).describe(meaning),
    floor: z.number().min(0).max(1).optional().describe("It never falls below this share of the rate."),
    warmUpSteps: z.number().int().min(0).optional().describe("Steps over which the rate rises at first."),
  });

const schedule = z.union([
  z.enum(["constant", "linear-decay"]),
  z.discriminatedUnion("type", [
    curve("linear", "By the site's steps over all rounds, in a straight line."),
    curve("cosine", "The same, along half a cosine."),
    curve("constant", "It stays, but for the warm-up."),
  ]),
]);

const adam = z.strictObject({
  type: z.literal("adam").describe("Its state is fresh in each round."),
  beta1: fraction.default(0.9).describe("What is kept of the mean gradient."),
  beta2: fraction.default(0.999).describe("What is kept of the mean square."),
  epsilon: positive.max(1).default(1e-8).describe("Against a division by 0."),
  weightDecay: z.number().min(0).max(1).optional().describe("Decoupled from the gradient (AdamW)."),
});
const sgd = z.strictObject({
  type: z.literal("sgd").describe("Plain descent."),
  momentum: fraction.optional().describe("What is kept of earlier gradients."),
});

const stopping = z.strictObject({
  figure: z
    .enum(["held-out-loss", "held-out-accuracy", "held-out-exact"])
    .describe("By which sums over all sites' held-out rows models are compared."),
  patience: count.default(2).describe("So many rounds without a better model end the job."),
  improvement: z.number().min(0).default(0).describe("By how much a model has to be better."),
});

export const trainingSchema = z
  .strictObject({
    rounds: count.describe("How many rounds there are."),
    localSteps: count.describe("Steps that a site trains in a round."),
    batchSize: count.describe("Examples in a step."),
    learningRate: positive.describe("Of the first round."),
    schedule: schedule
      .default("linear-decay")
      .describe(
        "How it goes on: constant, linear-decay (from round to round), or by steps: type linear, cosine or constant.",
      ),
    optimiser: z
      .discriminatedUnion("type", [adam, sgd])
      .default({ type: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 })
      .describe("Of the sites."),
    clipNorm: positive.optional().describe("A step's gradient is shortened to this length (L2)."),
    rowsAtOnce: count
      .optional()
      .describe("Rows of a step that run at once, where memory is short; only for language models."),
    stopping: stopping.optional().describe("When the job ends before its last round."),
  })
  .describe("How sites train.");
