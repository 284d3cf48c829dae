/** A provider and its members with keys from a seed, under a contract small enough to play thousands of rounds of. */
import { bytesToHex, type Secret } from "@bulkhead/base";
import { hashFields, type SigningKeys, signingKeys } from "@bulkhead/crypto";
import { checkContract, type Contract, type Job, jobOf, modelHash } from "@bulkhead/protocol";
import { type MemberId, thresholdOf } from "@bulkhead/secagg";
import { SeededRandom } from "./seeded-random.ts";

export interface FederationSize {
  readonly members: number;
  /** n_min of the contract; 3 if absent. */
  readonly minimum?: number | undefined;
  readonly rounds?: number | undefined;
  readonly laneBits?: 16 | 32 | undefined;
  readonly attemptsPerRound?: number | undefined;
}

export interface Federation {
  readonly job: Job;
  readonly providerKey: Secret;
  readonly signingKeys: ReadonlyMap<MemberId, Secret>;
  readonly initialModel: Float32Array;
}

/** With the scalars they fill one segment of 64 payload lanes and part of a second. */
const SHAPES = [[9, 9], [19]] as const;
export const STAGE_MS = 1000;
export const TRAIN_MS = 5000;
export const RESUME_MS = 2000;

export const federation = (seed: string, size: FederationSize): Federation => {
  const random = new SeededRandom(`${seed}/identities`);
  const provider = signingKeys(random.secret());
  const members = Array.from({ length: size.members }, () => signingKeys(random.secret()));
  const coordinates = SHAPES.flatMap((shape) => shape.reduce<number>((length, side) => length * side, 1));
  const initialModel = new Float32Array(coordinates.reduce((sum, length) => sum + length, 0));
  const contract = checkContract(contractOf(size, provider, members, digestOf(initialModel)));
  const job = jobOf(contract);
  const keys = job.members.map(({ id }, i) => [id, members[i]!.secretKey] as const);
  return { job, providerKey: provider.secretKey, signingKeys: new Map(keys), initialModel };
};

/** The model's canonical bytes, which its hash covers. */
export const modelBytes = (model: Float32Array): Uint8Array => {
  const bytes = new Uint8Array(4 * model.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of model.entries()) view.setFloat32(4 * i, value, true);
  return bytes;
};

export const hashOfModel = (job: Job, model: Float32Array): Uint8Array => modelHash(job, modelBytes(model));

const digestOf = (model: Float32Array): Uint8Array => hashFields(modelBytes(model));

const contractOf = (
  { members: count, minimum = 3, rounds = 1, laneBits = 16, attemptsPerRound = 5 }: FederationSize,
  provider: SigningKeys,
  members: readonly SigningKeys[],
  initial: Uint8Array,
): Contract => ({
  format: "bulkhead-contract/1",
  job: "simulated-job",
  purpose: "A story that is played in memory.",
  provider: {
    name: "provider",
    publicKey: bytesToHex(provider.publicKey),
    address: "ws://provider.example:8443",
  },
  members: members.map(({ publicKey }, i) => ({ name: `site-${i + 1}`, publicKey: bytesToHex(publicKey) })),
  base: { name: "none", architecture: "none", digest: bytesToHex(hashFields("no base")) },
  initial: { digest: bytesToHex(initial) },
  task: {},
  tensors: SHAPES.map((shape, i) => ({ name: `tensor-${i + 1}`, shape: [...shape], range: i + 1 })),
  training: {
    rounds,
    localSteps: 1,
    batchSize: 1,
    learningRate: 0.1,
    schedule: "constant",
    optimiser: { type: "sgd" },
  },
  update: {
    clipNorm: 1,
    rule: { type: "fedavg", serverStep: 1 },
    weighting: { classes: 4, examplesPerClass: 10 },
  },
  ring: { bits: laneBits, segmentLanes: 64 },
  cohort: { minimum, threshold: thresholdOf(count) },
  metrics: [{ name: "loss", most: 100, resolution: 0.01 }],
  egress: { bytes: 1_000_000_000, attemptsPerRound },
  timing: { stageMs: STAGE_MS, trainMs: TRAIN_MS, resumeMs: RESUME_MS },
  retention: "none",
});
