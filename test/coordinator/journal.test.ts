import { decodeCanonical, encodeCanonical, equalBytes } from "@bulkhead/base";
import { memberId } from "@bulkhead/secagg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  dealersToLeaveOut,
  type JobEntry,
  jobEntryCodec,
  nextAttempt,
  NO_PROGRESS,
  progressAfter,
  type VoidEntry,
} from "@bulkhead/coordinator";
import { meet } from "../base/decoders.ts";
import { mutated } from "../base/mutated.ts";

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const members = fc.uniqueArray(
  fc.integer({ min: 1, max: 255 }).map((id) => memberId(id)),
  { maxLength: 20 },
);
const name = { round: fc.nat(2 ** 31), attempt: fc.nat(2 ** 16 - 1) };
const entries: fc.Arbitrary<JobEntry> = fc.oneof(
  fc.record({ type: fc.constant("opened"), ...name, modelHash: hash, gone: members, leftOut: members }),
  fc.record({
    type: fc.constant("void"),
    ...name,
    code: fc.string({ maxLength: 16 }),
    words: fc.string({ maxLength: 100 }),
    isFinal: fc.boolean(),
    hadInputs: fc.boolean(),
    complaints: members,
  }),
  fc.record({ type: fc.constant("applied"), ...name, survivors: members, modelHash: hash, sumDigest: hash }),
);

test("an entry reads as it was written", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      expect(decodeCanonical(jobEntryCodec, encodeCanonical(jobEntryCodec, entry))).toEqual(entry);
    }),
  );
});

test("of any bytes an entry is read that encodes to them, or none", () => {
  const encoded = entries.map((entry) => encodeCanonical(jobEntryCodec, entry));
  meet(
    {
      name: "job entry",
      input: mutated(encoded),
      takes: (bytes) => {
        try {
          const entry = decodeCanonical(jobEntryCodec, bytes);
          if (!equalBytes(encodeCanonical(jobEntryCodec, entry), bytes)) throw new Error("another encoding");
          return true;
        } catch (error) {
          if (error instanceof Error && error.name === "ShapeError") return false;
          throw error;
        }
      },
    },
    2000,
  );
});

describe("where a job stands", () => {
  const modelHash = new Uint8Array(32);
  const opened = (round: number, attempt: number): JobEntry => ({
    type: "opened",
    round,
    attempt,
    modelHash,
    gone: [],
    leftOut: [],
  });
  const voided = (attempt: number, complaints: readonly number[] = []): VoidEntry => ({
    type: "void",
    round: 1,
    attempt,
    code: "too-few-members",
    words: "",
    isFinal: false,
    hadInputs: false,
    complaints: complaints.map((id) => memberId(id)),
  });
  const applied = (round: number, attempt: number): JobEntry => ({
    type: "applied",
    round,
    attempt,
    survivors: [],
    modelHash,
    sumDigest: modelHash,
  });
  const fold = (...list: readonly JobEntry[]) => list.reduce(progressAfter, NO_PROGRESS);

  test("an attempt that was opened and has not ended is gone on with", () => {
    expect(fold(opened(1, 1)).opened).toMatchObject({ round: 1, attempt: 1 });
    expect(fold(opened(1, 1), voided(1)).opened).toBeUndefined();
    expect(fold(opened(1, 1), applied(1, 1)).opened).toBeUndefined();
  });

  test("attempts count up within a round and begin anew in the next", () => {
    expect(nextAttempt(NO_PROGRESS)).toBe(1);
    expect(nextAttempt(fold(opened(1, 1), voided(1)))).toBe(2);
    expect(nextAttempt(fold(opened(1, 1), voided(1), opened(1, 2), applied(1, 2)))).toBe(1);
  });

  test("rounds are applied one after the other, or the journal is wrong", () => {
    expect(() => fold(applied(2, 1))).toThrow("in sequence");
  });

  test("dealers of bad shares are left out, unless that would leave too few", () => {
    const progress = fold(opened(1, 1), voided(1, [4, 2]), opened(1, 2), voided(2, [4]));
    const ready = (...ids: readonly number[]) => new Set(ids.map((id) => memberId(id)));
    expect(dealersToLeaveOut(progress, { ready: ready(1, 2, 3, 4, 5, 6, 7), least: 5 })).toEqual([2, 4]);
    expect(dealersToLeaveOut(progress, { ready: ready(1, 2, 3, 4), least: 3 })).toEqual([]);
    // One that is named and not there is missed by nobody; one who complained and left is.
    expect(dealersToLeaveOut(progress, { ready: ready(1, 3, 5, 6, 7), least: 5 })).toEqual([2, 4]);
    expect(dealersToLeaveOut(progress, { ready: ready(1, 2, 3, 4, 5, 6), least: 5 })).toEqual([]);
  });
});
