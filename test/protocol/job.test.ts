import { bytesToHex } from "@bulkhead/base";
import { contractDigest, jobOf, membersOfBytes, membersToBytes, modelHash } from "@bulkhead/protocol";
import { largestQuantum, memberId } from "@bulkhead/secagg";
import { federation } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";

const { job } = federation("job", { members: 10, minimum: 8 });
const id = memberId;

describe("a job", () => {
  test("numbers its members as the contract lists them", () => {
    expect(job.members.map(({ id: place, name }) => [place, name]).slice(0, 2)).toEqual([
      [1, "site-1"],
      [2, "site-2"],
    ]);
    expect(job.memberById.get(id(10))).toBe(job.members[9]);
    expect(job.contractHash).toEqual(contractDigest(job.contract));
  });

  test("needs the threshold to unmask, and the larger of threshold and minimum at every stage", () => {
    expect([job.threshold, job.least]).toEqual([7, 8]);
    const { job: small } = federation("job", { members: 10, minimum: 3 });
    expect([small.threshold, small.least]).toEqual([7, 7]);
  });

  test("keeps room in each lane for the whole roster, never for the survivors alone", () => {
    for (const members of [3, 10, 64, 255])
      for (const laneBits of [16, 32] as const) {
        const { quantisation } = federation("room", { members, laneBits }).job;
        expect(quantisation.members).toBe(members);
        const most = largestQuantum(laneBits, quantisation.members);
        expect(members * most).toBeLessThanOrEqual(2 ** (laneBits - 1) - 1);
        expect(members * (most + 1)).toBeGreaterThan(2 ** (laneBits - 1) - 1);
      }
  });

  test("has the same layout and hashes for whoever reads the same contract", () => {
    expect(jobOf(structuredClone(job.contract))).toEqual(job);
  });
});

describe("a set of members", () => {
  test("is bytes, sorted, each member once", () => {
    expect([...membersToBytes([id(3), id(1), id(3)])]).toEqual([1, 3]);
    expect(membersOfBytes(job, Uint8Array.of(1, 3, 10))).toEqual([1, 3, 10]);
    expect(membersOfBytes(job, new Uint8Array())).toEqual([]);
  });

  test("is not read where it is unsorted, has one twice, or one that is not on the roster", () => {
    for (const bytes of [[2, 1], [1, 1], [0, 1], [1, 11], [255]])
      expect(membersOfBytes(job, Uint8Array.from(bytes))).toBeUndefined();
    expect(membersOfBytes(job, new Uint8Array(256))).toBeUndefined();
  });
});

test("a model's hash is that of base and adapter together", () => {
  const hash = (of: typeof job, model: Uint8Array) => bytesToHex(modelHash(of, model));
  const otherBase = {
    ...job,
    contract: { ...job.contract, base: { ...job.contract.base, digest: "00".repeat(32) } },
  };
  const hashes = [
    hash(job, Uint8Array.of(1)),
    hash(job, Uint8Array.of(2)),
    hash(job, Uint8Array.of(1, 0)),
    hash(otherBase, Uint8Array.of(1)),
  ];
  expect(new Set(hashes).size).toBe(4);
});
