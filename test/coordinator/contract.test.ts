import fs from "node:fs";
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import { draftContract, loadJobDescription } from "@bulkhead/coordinator";
import { createIdentity, sha256 } from "@bulkhead/crypto";
import { languageModelDigest } from "@bulkhead/finetune";
import { METRIC_NAMES } from "@bulkhead/party";
import { contractBytes, jobOf, readContract } from "@bulkhead/protocol";
import { publicIdentityBytes } from "@bulkhead/store";
import { describe, expect, test } from "vitest";
import { languageFederation } from "../client/language-federation.ts";
import { freshFolder } from "../launch.ts";

const publicOf = ({ name, signing }: ReturnType<typeof createIdentity>) => ({
  name,
  publicKey: signing.publicKey,
});

const JOB = {
  job: "sums",
  purpose: "Sums",
  provider: { address: "ws://127.0.0.1:7443" },
  members: ["a.json", "b.json", "c.json"],
  task: { kind: "module", tensors: [{ name: "w", shape: [10, 20] }] },
  training: { rounds: 4, localSteps: 5, batchSize: 8, learningRate: 0.1, optimiser: { type: "sgd" } },
  update: { clipNorm: 2 },
};

/** Writes a job description beside three identities; JSON is YAML. */
const written = (changes: object = {}, name = "north"): string => {
  const folder = freshFolder();
  for (const [i, file] of JOB.members.entries())
    fs.writeFileSync(
      path.join(folder, file),
      publicIdentityBytes(publicOf(createIdentity(i === 0 ? name : `site-${i}`))),
    );
  const file = path.join(folder, "job.yaml");
  fs.writeFileSync(file, JSON.stringify({ ...JOB, ...changes }));
  return file;
};

const draftLanguage = () => languageFederation();

const draft = async (file: string) => {
  const { config } = await loadJobDescription(file);
  return draftContract(config, file, publicOf(createIdentity("provider")));
};

describe("a draft", () => {
  test("of a module task starts from zeros, with the usual ranges, metrics and bounds", async () => {
    const { contract, initialModel } = await draft(written());
    expect(readContract(contractBytes(contract))).toEqual(contract);
    expect(contract).toMatchObject({
      format: "bulkhead-contract/1",
      job: "sums",
      members: [{ name: "north" }, { name: "site-1" }, { name: "site-2" }],
      base: { name: "none", architecture: "module" },
      initial: { digest: bytesToHex(sha256(initialModel)) },
      task: { kind: "module" },
      cohort: { minimum: 3, threshold: 3 },
      metrics: [{ name: "examples", most: 40 }, { name: "loss-sum" }],
    });
    expect(contract.tensors[0]!.range).toBeCloseTo(16 / Math.sqrt(200), 10);
    const { layout } = jobOf(contract);
    expect(contract.egress.bytes).toBe(layout.byteLength * 4 * 3);
  });

  test("goes on from a model that a coordinator has written, and from no other file", async () => {
    const file = written();
    const { initialModel } = await draft(file);
    const model = Uint8Array.from(initialModel);
    model[model.length - 2] = 0x3f;
    fs.writeFileSync(path.join(path.dirname(file), "last.safetensors"), model);
    const task = { ...JOB.task, initial: "last.safetensors" };
    fs.writeFileSync(file, JSON.stringify({ ...JOB, task }));
    expect((await draft(file)).initialModel).toEqual(model);
    fs.writeFileSync(path.join(path.dirname(file), "last.safetensors"), model.subarray(1));
    await expect(draft(file)).rejects.toMatchObject({ code: "config-initial-model" });
  });

  test("of a language model names the base by all its files, and starts from adapters that change nothing", async () => {
    const { contract, folder, modelFolder } = await draftLanguage();
    expect(contract).toMatchObject({
      base: { digest: bytesToHex(await languageModelDigest({ folder: modelFolder })) },
      task: { kind: "language-model", family: "llama", maxTokens: 24, heldOut: { hash: "sha256", oneIn: 4 } },
      training: {
        schedule: { type: "linear", floor: 0.1 },
        optimiser: { type: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        clipNorm: 1,
      },
    });
    expect(contract.task).not.toHaveProperty("seed");
    expect(contract.metrics.map(({ name }) => name)).toEqual([...METRIC_NAMES]);
    expect(readContract(contractBytes(contract))).toEqual(contract);
    expect(folder).toBeTruthy();
  });

  test.each([
    ["training.rowsAtOnce", { training: { ...JOB.training, rowsAtOnce: 2 } }],
    ["metrics", { metrics: [{ name: "held-out-rows", most: 10, resolution: 1 }] }],
    [
      "metrics",
      {
        training: {
          ...JOB.training,
          stopping: { figure: "held-out-loss", patience: 1, improvement: 0 },
        },
      },
    ],
  ])("refuses what its task cannot give, at %s", async (place, changes) => {
    await expect(draft(written(changes))).rejects.toMatchObject({
      code: "contract-task",
      place: `contract sums ${place}`,
    });
  });

  test("says which key of the description no contract can be made of", async () => {
    await expect(draft(written({ cohort: { minimum: 9 } }))).rejects.toMatchObject({
      code: "config-contract",
      place: expect.stringMatching(/job\.yaml cohort\.minimum$/u),
    });
    await expect(draft(written({}, "Clinic North"))).rejects.toMatchObject({
      code: "config-contract",
      place: expect.stringContaining("members[0].name"),
    });
    await expect(loadJobDescription(written({ rouns: 3 }))).rejects.toMatchObject({
      code: "config-unknown-key",
      place: expect.stringMatching(/job\.yaml:\d+:\d+ rouns$/u),
    });
  });

  test("of a classifier needs a base model", async () => {
    const lora = { rank: 2, alpha: 4, layers: [0] };
    const task = { kind: "classifier", classes: 2, maxTokens: 8, lora, labelPhrases: [["a"], ["b"]] };
    await expect(draft(written({ task }))).rejects.toMatchObject({ code: "config-missing-key" });
  });
});
