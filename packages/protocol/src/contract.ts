/**
 * The separation contract: one canonical JSON file per job that the provider and every member sign before the first
 * round. What it does not allow does not happen. Its digest is in every signature and every mask key, so parties that
 * hold different contracts cannot form a sum.
 */
import {
  canonicalJson,
  finite,
  hexToBytes,
  integer,
  type Json,
  listOf,
  oneOf,
  optional,
  parseCanonicalJson,
  record,
  type Shape,
  ShapeError,
  shape,
  text,
  textMatching,
  type TypeOf,
  variant,
} from "@bulkhead/base";
import { hashFields } from "@bulkhead/crypto";
import { MAX_MEMBERS, planProblem, thresholdOf } from "@bulkhead/secagg";
import { quantisationOf } from "./quantisation.ts";

const LONGEST_CONTRACT = 1 << 20;
const LONGEST_TASK = 64 << 10;

const hexOf = (bytes: number): Shape<string> =>
  textMatching(new RegExp(`^[0-9a-f]{${2 * bytes}}$`, "u"), `${bytes} bytes in lower-case hexadecimal`);
const name = textMatching(
  /^[a-z0-9][a-z0-9._-]{0,62}$/u,
  "a name of lower-case letters, digits, dot, dash, underscore",
);

/** What the trainer is told, as the provider wrote it; the protocol only carries it. */
const task = shape(
  `a JSON object of at most ${LONGEST_TASK} bytes`,
  (value): value is { readonly [key: string]: Json } => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was parsed from canonical JSON
    return canonicalJson(value as Json).length <= LONGEST_TASK;
  },
);

const serverStep = finite(0, 10);
/** Below 1: a mean that is kept for ever would grow without bound. */
const kept = finite(0, 1 - 2 ** -24);
const adaptive = { serverStep, beta1: kept, beta2: kept, tau: finite(1e-12, 1) };

/** The server rule that every party applies to the integer sum for itself. */
const updateRule = variant({
  fedavg: { serverStep },
  fedavgm: { serverStep, momentum: kept },
  fedadam: adaptive,
  fedyogi: adaptive,
});

/** What a site's steps follow; its state is fresh in each round. */
const localOptimiser = variant({
  adam: { beta1: kept, beta2: kept, epsilon: finite(1e-30, 1), weightDecay: optional(finite(0, 1)) },
  sgd: { momentum: optional(kept) },
});

/** By the site's steps over all rounds: after `warmUpSteps` the rate falls by this curve, never below `floor` of itself. */
const curve = { floor: optional(finite(0, 1)), warmUpSteps: optional(integer(0, 1_000_000)) };
const stepSchedule = variant({ constant: curve, linear: curve, cosine: curve });
const roundSchedule = oneOf("constant", "linear-decay");
const schedule: Shape<TypeOf<typeof roundSchedule> | TypeOf<typeof stepSchedule>> = (value, path) =>
  typeof value === "object" ? stepSchedule(value, path) : roundSchedule(value, path);

/** The job ends when this figure of the sums has not got better by `improvement` for so many rounds. */
const stopping = record({
  figure: oneOf("held-out-loss", "held-out-accuracy", "held-out-exact"),
  patience: integer(1, 1_000_000),
  improvement: finite(0, 1e6),
});

const party = { name, publicKey: hexOf(32) };

const contractShape = record({
  format: oneOf("bulkhead-contract/1"),
  job: name,
  purpose: text(500),
  provider: record({
    ...party,
    address: textMatching(/^wss?:\/\/[\x21-\x7e]{1,200}$/u, "a ws:// or wss:// address"),
  }),
  /** In this order they are members 1, 2, 3, …: the number is the Shamir coordinate. */
  members: listOf(record(party), MAX_MEMBERS, 3),
  /** The frozen base model; every site already has it, and only the digest is compared. */
  base: record({ name: text(120), architecture: text(60), digest: hexOf(32) }),
  /** Digest of the canonical adapter and head with which round 1 starts. */
  initial: record({ digest: hexOf(32) }),
  task,
  /** All that is trained, and so all that leaves inside a sum; `range` is the largest magnitude the ring carries. */
  tensors: listOf(
    record({
      name: text(200),
      shape: listOf(integer(1, 2 ** 31), 8, 1),
      range: finite(1e-30, 1e30),
    }),
    10_000,
    1,
  ),
  training: record({
    rounds: integer(1, 1_000_000),
    localSteps: integer(1, 1_000_000),
    batchSize: integer(1, 1_000_000),
    learningRate: finite(0, 1000),
    schedule,
    optimiser: localOptimiser,
    /** The gradient of a step is shortened to this length (L2); as it is unless said. */
    clipNorm: optional(finite(1e-12, 1e12)),
    /** Rows of a step that run at once; gradients of its parts are added up. All of them unless said. */
    rowsAtOnce: optional(integer(1, 1_000_000)),
    stopping: optional(stopping),
  }),
  update: record({
    clipNorm: finite(1e-12, 1e12),
    rule: updateRule,
    /** Weight k in 1 … classes, k = round(examples / examplesPerClass); 1 class weighs all sites the same. */
    weighting: record({ classes: integer(1, 4096), examplesPerClass: integer(1, 2 ** 40) }),
  }),
  ring: record({ bits: oneOf(16, 32), segmentLanes: integer(64, 1 << 24) }),
  cohort: record({ minimum: integer(3, MAX_MEMBERS), threshold: integer(3, MAX_MEMBERS) }),
  /** Masked scalars that leave inside the sum besides the update: upper bound and precision of each. */
  metrics: listOf(record({ name, most: finite(0, 2 ** 48), resolution: finite(2 ** -40, 2 ** 40) }), 32),
  /** What may leave one site in all rounds together, in bytes of masked input. */
  egress: record({ bytes: integer(1, Number.MAX_SAFE_INTEGER), attemptsPerRound: integer(1, 100) }),
  timing: record({
    stageMs: integer(50, 86_400_000),
    trainMs: integer(50, 604_800_000),
    resumeMs: integer(0, 86_400_000),
  }),
  retention: text(500),
  /** Digest of the contract that this one continues, whose last checkpoint is `initial`. */
  parent: optional(hexOf(32)),
});

/** Of what an update rule remembers, which stands beside the tensors; and the one that safetensors has for itself. */
const RESERVED_NAME = /^(?:server\.|__metadata__$)/u;
/** A mean may be as many times the range as there are weight classes, and its square must be finite in 32 bits. */
const WIDEST_SQUARED = 1e12;

export type Contract = TypeOf<typeof contractShape>;

/** The bytes that are signed and hashed. */
export const contractBytes = (contract: Contract): Uint8Array => canonicalJson(contract);

/** Reads a contract; throws a {@link ShapeError} that names the field. */
export const readContract = (bytes: Uint8Array): Contract => {
  if (bytes.length > LONGEST_CONTRACT) throw new ShapeError("", `at most ${LONGEST_CONTRACT} bytes`);
  return checkContract(parseCanonicalJson(bytes));
};

/** Checks what no single field shows: distinct parties, the threshold that follows from n, an update that fits. */
export const checkContract = (value: unknown): Contract => {
  const contract = contractShape(value);
  const { members, cohort, provider } = contract;
  const parties = [provider, ...members];
  const areDistinct = (values: readonly string[]) => new Set(values).size === parties.length;
  if (!areDistinct(parties.map(({ publicKey }) => publicKey)))
    throw new ShapeError("members", "a different key for each party");
  // Signatures are counted by name: a provider of a member's name would sign for both.
  if (!areDistinct(parties.map((one) => one.name)))
    throw new ShapeError("members", "a different name for each party");
  if (cohort.threshold !== thresholdOf(members.length))
    throw new ShapeError("cohort.threshold", `${thresholdOf(members.length)}, which is ⌊2n/3⌋ + 1`);
  if (cohort.minimum > members.length) throw new ShapeError("cohort.minimum", `at most ${members.length}`);
  if (new Set(contract.tensors.map((tensor) => tensor.name)).size !== contract.tensors.length)
    throw new ShapeError("tensors", "a different name for each tensor");
  if (contract.tensors.some((tensor) => RESERVED_NAME.test(tensor.name)))
    throw new ShapeError("tensors", "names other than server.… and __metadata__, which model files use");
  if ("tau" in contract.update.rule && contract.tensors.some(({ range }) => range > WIDEST_SQUARED))
    throw new ShapeError("tensors", `ranges of at most ${WIDEST_SQUARED}: the update rule squares means`);
  const problem = planProblem(quantisationOf(contract));
  if (problem !== undefined)
    throw new ShapeError("update, tensors, metrics, ring", `a plan that fits the ring: ${problem}`);
  return contract;
};

/** The digest that names a contract everywhere. */
export const contractDigest = (contract: Contract): Uint8Array =>
  hashFields("bulkhead/1 contract", contractBytes(contract));

/** The raw bytes of a hexadecimal field that a shape has already checked. */
export const fieldBytes = (hex: string): Uint8Array => {
  const bytes = hexToBytes(hex);
  if (bytes === undefined) throw new ShapeError("", "hexadecimal");
  return bytes;
};
