import { bytesToHex, equalBytes } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import { canonicalModelBytes } from "@bulkhead/finetune";
import { nextModel, parseModel, readInitialModel, readModel } from "@bulkhead/party";
import { jobOf } from "@bulkhead/protocol";
import { describe, expect, test } from "vitest";
import { newFederation } from "../coordinator/federation.ts";

describe("a model", () => {
  test("is read from its canonical bytes alone", () => {
    const { job, initial } = newFederation({ length: 10 });
    const { tensors } = job.contract;
    expect(parseModel(tensors, initial)).toEqual(Float32Array.from({ length: 10 }, (_, i) => i / 8));
    expect(parseModel(tensors, initial.subarray(1))).toBe(undefined);
    expect(parseModel(tensors, Uint8Array.from([...initial, 0]))).toBe(undefined);
    expect(parseModel([{ name: "other", shape: [10] }], initial)).toBe(undefined);
    for (const length of [0, 3, 8]) expect(parseModel(tensors, new Uint8Array(length))).toBe(undefined);
  });

  test("starts as the one that the contract names, and no other", () => {
    const { job, initial } = newFederation();
    expect(readInitialModel(job, initial, "here").bytes).toEqual(initial);
    const other = Uint8Array.from(initial);
    other[other.length - 1]! ^= 1;
    expect(() => readInitialModel(job, other, "here")).toThrow(
      expect.objectContaining({ code: "contract-other-model", place: "here" }),
    );
  });

  test("goes on by the contract's rule to the same bits and the same hash everywhere", () => {
    const { job, initial } = newFederation({ length: 10 });
    const model = readModel(job, initial)!;
    const mean = Float32Array.from({ length: 10 }, (_, i) => 0.1 * i - 0.3);
    const next = nextModel(job, model, { mean, scalars: {} });
    expect(next.flat).toEqual(model.flat.map((value, i) => value + mean[i]!));
    expect(model.bytes).toEqual(initial);
    const again = readModel(job, next.bytes)!;
    expect(equalBytes(again.hash, next.hash)).toBe(true);
    expect(equalBytes(next.hash, model.hash)).toBe(false);
  });

  test("carries what the rule remembers, which its hash names too", () => {
    const rule = { type: "fedadam", serverStep: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.01 } as const;
    const { contract, initial } = newFederation({ length: 10 });
    const job = jobOf({ ...contract, update: { ...contract.update, rule } });
    const start = readInitialModel(
      { ...job, contract: { ...job.contract, initial: { digest: bytesToHex(sha256(initial)) } } },
      initial,
      "here",
    );
    expect(start.bytes).toEqual(initial);
    const mean = Float32Array.from({ length: 10 }, (_, i) => 0.1 * i - 0.3);
    const once = nextModel(job, start, { mean, scalars: {} });
    const again = readModel(job, once.bytes)!;
    expect(again).toEqual(once);
    expect(nextModel(job, again, { mean, scalars: {} })).toEqual(nextModel(job, once, { mean, scalars: {} }));
    // With the same values and another past it is another model.
    const forgetful = readModel(job, canonicalModelBytes(job.contract.tensors, once.flat))!;
    expect(forgetful.flat).toEqual(once.flat);
    expect(equalBytes(forgetful.hash, once.hash)).toBe(false);
  });
});
