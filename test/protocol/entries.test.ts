import { decodeCanonical, encodeCanonical, ShapeError } from "@bulkhead/base";
import { clientEntryCodec, coordinatorEventCodec } from "@bulkhead/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientEntries, coordinatorEvents } from "./arbitrary-messages.ts";
import { honestRound } from "./honest-round.ts";

describe("a journal's entry", () => {
  test("of either side is read as it was written", () => {
    fc.assert(
      fc.property(clientEntries, (entry) => {
        expect(decodeCanonical(clientEntryCodec, encodeCanonical(clientEntryCodec, entry))).toEqual(entry);
      }),
      { numRuns: 40 },
    );
    fc.assert(
      fc.property(coordinatorEvents, (event) => {
        const bytes = encodeCanonical(coordinatorEventCodec, event);
        expect(decodeCanonical(coordinatorEventCodec, bytes)).toEqual(event);
      }),
      { numRuns: 40 },
    );
  });

  test("is written for every event of a round", () => {
    for (const { event } of honestRound().ofCoordinator) {
      const bytes = encodeCanonical(coordinatorEventCodec, event);
      expect(decodeCanonical(coordinatorEventCodec, bytes)).toEqual(event);
    }
  });

  test("of no known kind is an error", () => {
    expect(() => decodeCanonical(clientEntryCodec, new Uint8Array(7).fill(9))).toThrow(
      "a known kind of entry",
    );
    expect(() => decodeCanonical(coordinatorEventCodec, Uint8Array.of(9))).toThrow("a known kind of event");
    expect(() => decodeCanonical(coordinatorEventCodec, Uint8Array.of(2, 1, 7))).toThrow("a known outcome");
    expect(() => decodeCanonical(coordinatorEventCodec, Uint8Array.of(2, 0, 0))).toThrow(ShapeError);
    const summed = Uint8Array.of(3, 2, ...new Uint8Array(32));
    expect(() => decodeCanonical(coordinatorEventCodec, summed)).toThrow("a known outcome");
  });
});
