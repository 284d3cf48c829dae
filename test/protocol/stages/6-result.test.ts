import { decodeCanonical, equalBytes } from "@bulkhead/base";
import { signingKeys } from "@bulkhead/crypto";
import {
  type ClientState,
  type CoordinatorMessage,
  type MessageOf,
  openSeat,
  resultMessage,
  type ResultPayload,
  resultPayload,
  stepClient,
  stepCoordinator,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { plainSum, SeededRandom } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";
import { flipped, hear, heardIn, honestRound, refusal } from "../honest-round.ts";

const round = honestRound();
const { people, job, sum } = round;
const at = round.client(1, "result");
const result = heardIn(at, "result");
const id = memberId;
const payload = decodeCanonical(resultPayload, result.payload);
const agreements = new Map(result.agreements.map(({ from, signature }) => [from, signature]));

type Result = MessageOf<CoordinatorMessage, "result">;

/** A result that the provider has signed, with some of its fields changed. */
const resultOf = (changed: Partial<ResultPayload>, signers = agreements): Result =>
  resultMessage({ result: { ...payload, ...changed }, agreements: signers }, people.providerKey);

/** One who missed the round, and one who is in the middle of it, refuse alike. */
const newcomer: ClientState = openSeat(round.seats.get(id(1))!).state;
const refusals = (message: Result) =>
  [newcomer, at.before].map((before) => refusal(hear({ ...at, before }, message)).code);
const UNPROVEN = ["result-unproven", "result-unproven"];

describe("a result is refused", () => {
  test("that the provider has not signed", () => {
    expect(refusals({ ...result, signature: flipped(result.signature, 40) })).toEqual(UNPROVEN);
    expect(refusals({ ...result, payload: flipped(result.payload, 60) })).toEqual(UNPROVEN);
    const stranger = signingKeys(new SeededRandom("stranger").secret()).secretKey;
    expect(refusals(resultMessage({ result: payload, agreements }, stranger))).toEqual(UNPROVEN);
  });

  test("of another round than the one after this site's model", () => {
    expect(refusals(resultOf({ round: 2 }))).toEqual(UNPROVEN);
    const later: ClientState = openSeat({ ...round.seats.get(id(1))!, applied: 1 }).state;
    expect(refusal(hear({ ...at, before: later }, result)).code).toBe("result-unproven");
  });

  test("without a quorum over its very survivors, trailers, transcript and attempt", () => {
    expect(refusals(resultOf({}, new Map([...agreements].slice(1))))).toEqual(UNPROVEN);
    expect(refusals(resultOf({ survivors: Uint8Array.of(1, 2, 3) }))).toEqual(UNPROVEN);
    expect(refusals(resultOf({ trailersDigest: flipped(payload.trailersDigest) }))).toEqual(UNPROVEN);
    expect(refusals(resultOf({ transcript: flipped(payload.transcript) }))).toEqual(UNPROVEN);
    expect(refusals(resultOf({ attempt: 2 }))).toEqual(UNPROVEN);
  });

  test("under signatures of members whose own were seen before, and which are others", () => {
    const forged = [...agreements].map(([from, signature]) => [from, flipped(signature, 40)] as const);
    expect(refusals(resultOf({}, new Map(forged)))).toEqual(UNPROVEN);
  });

  test("whose survivors are too few, unsorted, or not on the roster", () => {
    for (const survivors of [[1, 2], [2, 1, 3, 4], [1, 2, 3, 9], [1, 1, 2, 3], []])
      expect(refusals(resultOf({ survivors: Uint8Array.from(survivors) }))).toEqual(UNPROVEN);
  });

  test("of another length than the contract's vector", () => {
    expect(refusals(resultOf({ byteLength: payload.byteLength + 2 }))).toEqual(UNPROVEN);
  });

  test("of another model: its signatures are of another context", () => {
    const other: ClientState = openSeat({ ...round.seats.get(id(1))!, modelHash: new Uint8Array(32) }).state;
    expect(refusal(hear({ ...at, before: other }, result)).code).toBe("result-unproven");
  });
});

describe("a result is taken", () => {
  test("by one who signed its survivors, and by one who missed the round", () => {
    for (const before of [newcomer, at.before]) {
      const { state, effects } = hear({ ...at, before }, result);
      expect(state.stage).toBe("applying");
      expect(effects.at(-1)).toEqual({
        type: "apply",
        round: 1,
        attempt: 1,
        sumDigest: payload.sumDigest,
        byteLength: job.layout.byteLength,
        survivors: [1, 2, 3, 4],
      });
    }
  });

  test("and the round is over for this site when its model is computed", () => {
    const modelHash = new Uint8Array(32).fill(7);
    const { state, effects } = stepClient(at.after.state, { type: "applied", modelHash });
    expect(state).toEqual({ stage: "applied", round: 1, modelHash, survivors: [1, 2, 3, 4] });
    expect(effects).toEqual([]);
  });

  test("and refused with the shell's finding where its sum does not check", () => {
    const step = stepClient(at.after.state, { type: "failed", code: "sum-mismatch" });
    expect(refusal(step)).toEqual({ code: "sum-mismatch", leave: "refused" });
  });

  test("and goes on over a new link, to which the site says which model it still has", () => {
    const { effects } = stepClient(at.after.state, { type: "link-restored" });
    expect(effects).toMatchObject([{ message: { type: "hello", applied: 0, place: "awaiting-plan" } }]);
  });
});

describe("the coordinator", () => {
  const last = round.ofCoordinator.find(({ event }) => event.type === "summed")!;

  test("publishes the plain sum of the survivors", () => {
    expect(last.after.state).toMatchObject({ stage: "published", survivors: [1, 2, 3, 4] });
    const survivors = [1, 2, 3, 4].map((place) => id(place));
    expect(equalBytes(sum, plainSum(job, "honest round", { round: 1, survivors }))).toBe(true);
  });

  test("ends the round for good where the masks did not cancel: its shares are out", () => {
    const { state } = stepCoordinator(last.before, {
      type: "summed",
      outcome: "masks-did-not-cancel",
      digest: payload.sumDigest,
    });
    expect(state).toMatchObject({
      stage: "void",
      reason: { code: "masks-did-not-cancel" },
      isFinal: true,
    });
  });
});
