import { ShapeError, utf8 } from "@bulkhead/base";
import { checkContract, contractBytes, contractDigest, readContract } from "@bulkhead/protocol";
import { federation } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";

const { contract } = federation("contract", { members: 4 }).job;
type Changes = { readonly [field: string]: unknown };

const changed = (changes: Changes): unknown => ({ ...contract, ...changes });
/** The place that a refusal names. */
const refusedAt = (value: unknown): string => {
  try {
    checkContract(value);
  } catch (error) {
    if (error instanceof ShapeError) return error.path;
    throw error;
  }
  throw new Error("the contract was taken");
};
const member = (place: number, changes: Changes) =>
  changed({ members: contract.members.map((one, i) => (i === place - 1 ? { ...one, ...changes } : one)) });

describe("a contract", () => {
  test("is read as it was written, and has one digest", () => {
    const bytes = contractBytes(contract);
    expect(readContract(bytes)).toEqual(contract);
    expect(contractDigest(readContract(bytes))).toEqual(contractDigest(contract));
  });

  test("has only one form in bytes: other spacing or order is refused", () => {
    expect(() => readContract(utf8(JSON.stringify(contract, undefined, 2)))).toThrow(ShapeError);
    expect(() => readContract(utf8(JSON.stringify(contract)))).toThrow(ShapeError);
    expect(() => readContract(new Uint8Array((1 << 20) + 1))).toThrow("at most 1048576 bytes");
  });

  test("has another digest where any field is another", () => {
    const other = checkContract(changed({ purpose: "Another." }));
    expect(contractDigest(other)).not.toEqual(contractDigest(contract));
  });
});

describe("a contract is refused, with the place of the fault,", () => {
  const BAD: readonly (readonly [string, unknown])[] = [
    ["format", changed({ format: "bulkhead-contract/2" })],
    ["job", changed({ job: "Not A Name" })],
    ["purpose", changed({ purpose: "x".repeat(501) })],
    ["provider.address", changed({ provider: { ...contract.provider, address: "https://host" } })],
    ["provider.publicKey", changed({ provider: { ...contract.provider, publicKey: "AB" } })],
    ["members", changed({ members: contract.members.slice(0, 2) })],
    ["members[1].publicKey", member(2, { publicKey: contract.members[0]!.publicKey.toUpperCase() })],
    ["members[0].name", member(1, { name: "" })],
    ["members", member(2, { publicKey: contract.members[0]!.publicKey })],
    ["members", member(2, { publicKey: contract.provider.publicKey })],
    ["members", member(2, { name: contract.members[0]!.name })],
    ["members", member(2, { name: contract.provider.name })],
    ["members[0].email", member(1, { email: "a@b" })],
    ["base.digest", changed({ base: { ...contract.base, digest: "00" } })],
    ["initial.digest", changed({ initial: { digest: "x".repeat(64) } })],
    ["task", changed({ task: [] })],
    ["task", changed({ task: { text: "x".repeat(65 << 10) } })],
    ["tensors", changed({ tensors: [] })],
    [
      "tensors[0].range",
      changed({ tensors: [{ ...contract.tensors[0]!, range: Number.POSITIVE_INFINITY }] }),
    ],
    ["tensors[0].range", changed({ tensors: [{ ...contract.tensors[0]!, range: 0 }] })],
    ["tensors[0].shape", changed({ tensors: [{ ...contract.tensors[0]!, shape: [] }] })],
    ["tensors", changed({ tensors: [contract.tensors[0]!, contract.tensors[0]!] })],
    ["tensors", changed({ tensors: [{ ...contract.tensors[0]!, name: "server.momentum" }] })],
    ["tensors", changed({ tensors: [{ ...contract.tensors[0]!, name: "__metadata__" }] })],
    [
      "tensors",
      changed({
        tensors: [{ ...contract.tensors[0]!, range: 1e20 }],
        update: {
          ...contract.update,
          rule: { type: "fedyogi", serverStep: 1, beta1: 0.9, beta2: 0.99, tau: 0.01 },
        },
      }),
    ],
    ["training.rounds", changed({ training: { ...contract.training, rounds: 0 } })],
    ["training.learningRate", changed({ training: { ...contract.training, learningRate: Number.NaN } })],
    ["training.optimiser", changed({ training: { ...contract.training, optimiser: { type: "lion" } } })],
    [
      "training.optimiser.beta2",
      changed({ training: { ...contract.training, optimiser: { type: "adam", beta1: 0.9, epsilon: 1e-8 } } }),
    ],
    [
      "training.optimiser.beta1",
      changed({ training: { ...contract.training, optimiser: { type: "sgd", beta1: 0.9 } } }),
    ],
    ["training.schedule", changed({ training: { ...contract.training, schedule: "cosine" } })],
    [
      "training.schedule.floor",
      changed({ training: { ...contract.training, schedule: { type: "cosine", floor: 2 } } }),
    ],
    ["training.clipNorm", changed({ training: { ...contract.training, clipNorm: 0 } })],
    ["training.rowsAtOnce", changed({ training: { ...contract.training, rowsAtOnce: 0 } })],
    [
      "training.stopping.improvement",
      changed({ training: { ...contract.training, stopping: { figure: "held-out-loss", patience: 1 } } }),
    ],
    ["update.clipNorm", changed({ update: { ...contract.update, clipNorm: 0 } })],
    [
      "update.rule",
      changed({ update: { ...contract.update, rule: { type: "fedsomething", serverStep: 1 } } }),
    ],
    [
      "update.rule.beta1",
      changed({ update: { ...contract.update, rule: { type: "fedadam", serverStep: 1 } } }),
    ],
    [
      "update.rule.momentum",
      changed({ update: { ...contract.update, rule: { type: "fedavg", serverStep: 1, momentum: 0.9 } } }),
    ],
    [
      "update.rule.tau",
      changed({
        update: {
          ...contract.update,
          rule: { type: "fedyogi", serverStep: 1, beta1: 0.9, beta2: 0.99, tau: 0 },
        },
      }),
    ],
    ["ring.bits", changed({ ring: { ...contract.ring, bits: 24 } })],
    ["ring.segmentLanes", changed({ ring: { ...contract.ring, segmentLanes: 1 } })],
    ["cohort.threshold", changed({ cohort: { minimum: 3, threshold: 4 } })],
    ["cohort.minimum", changed({ cohort: { minimum: 5, threshold: 3 } })],
    ["cohort.minimum", changed({ cohort: { minimum: 2, threshold: 3 } })],
    ["metrics[0].resolution", changed({ metrics: [{ name: "loss", most: 1, resolution: 0 }] })],
    ["egress.bytes", changed({ egress: { ...contract.egress, bytes: 0 } })],
    ["timing.stageMs", changed({ timing: { ...contract.timing, stageMs: 1.5 } })],
    ["parent", changed({ parent: "none" })],
    ["extra", changed({ extra: 1 })],
    [
      "update, tensors, metrics, ring",
      changed({ update: { ...contract.update, weighting: { classes: 33, examplesPerClass: 1 } } }),
    ],
    ["update, tensors, metrics, ring", changed({ metrics: [{ name: "weight", most: 1, resolution: 1 }] })],
  ];

  test.each(BAD)("%s", (path, value) => {
    expect(refusedAt(value)).toBe(path);
  });

  test("where a field is missing", () => {
    for (const field of Object.keys(contract)) {
      const { [field]: _, ...rest } = contract as Changes;
      expect(refusedAt(rest).split(/[.[]/u)[0], field).toBe(field);
    }
  });
});

test("an optional parent is part of what is signed", () => {
  const heir = checkContract(changed({ parent: "ab".repeat(32) }));
  expect(contractDigest(heir)).not.toEqual(contractDigest(contract));
  expect(readContract(contractBytes(heir))).toEqual(heir);
});
