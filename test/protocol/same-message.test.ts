import { isSameMessage } from "@bulkhead/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coordinatorMessages } from "./arbitrary-messages.ts";
import { flipped, heardIn, honestRound } from "./honest-round.ts";

const roster = heardIn(honestRound().client(1, "roster"), "roster");

describe("two messages", () => {
  test("are the same where every field is, however deep", () => {
    fc.assert(
      fc.property(coordinatorMessages, (message) => {
        expect(isSameMessage(message, structuredClone(message))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test("differ in one bit of a byte string, in one number, in an item more, or in a field that is absent", () => {
    const [first, ...rest] = roster.adverts;
    for (const other of [
      { ...roster, attempt: 2 },
      { ...roster, adverts: rest },
      { ...roster, adverts: [...roster.adverts, first] },
      { ...roster, adverts: [{ ...first, payload: flipped(first!.payload, 30) }, ...rest] },
      { ...roster, adverts: [{ ...first, payload: first!.payload.subarray(1) }, ...rest] },
      { ...roster, more: 1 },
      { type: "roster", round: 1, attempt: 1 },
      undefined,
      "roster",
    ])
      expect(isSameMessage(roster, other)).toBe(false);
  });

  test("are not the same for bytes and an array of the same numbers", () => {
    expect(isSameMessage(Uint8Array.of(1, 2), [1, 2])).toBe(false);
    expect(isSameMessage([1, 2], Uint8Array.of(1, 2))).toBe(false);
  });
});
