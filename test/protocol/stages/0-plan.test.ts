import { encodeCanonical, equalBytes } from "@bulkhead/base";
import { hashFields, signingKeys } from "@bulkhead/crypto";
import {
  type ClientState,
  type History,
  openSeat,
  type PlanPayload,
  planPayload,
  type Seat,
  signPlan,
} from "@bulkhead/protocol";
import { SeededRandom } from "@bulkhead/simulation";
import { memberId } from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";
import { flipped, hearPlan, honestRound, refusal, sentIn } from "../honest-round.ts";

const round = honestRound();
const { job, people, plan: honest } = round;
const seat = round.seats.get(memberId(1))!;
const NOTHING = new Uint8Array(32);

const planOf = (changed: Partial<PlanPayload> = {}) =>
  signPlan(
    { round: 1, attempt: 1, contractHash: job.contractHash, modelHash: seat.modelHash, ...changed },
    people.providerKey,
  );
const waiting = (changed: Partial<Seat> = {}): ClientState => openSeat({ ...seat, ...changed }).state;
const remembering = (history: Partial<History>): ClientState =>
  waiting({ history: { ...seat.history, ...history } });

describe("a plan is refused", () => {
  test("that the provider has not signed", () => {
    expect(refusal(hearPlan(waiting(), { ...honest, signature: flipped(honest.signature) }))).toEqual({
      code: "plan-unsigned",
      leave: "refused",
    });
    const payload = flipped(honest.payload, 3);
    expect(refusal(hearPlan(waiting(), { ...honest, payload })).code).toBe("plan-unsigned");
    const stranger = signingKeys(new SeededRandom("stranger").secret()).secretKey;
    const forged = signPlan(
      { round: 1, attempt: 1, contractHash: job.contractHash, modelHash: seat.modelHash },
      stranger,
    );
    expect(refusal(hearPlan(waiting(), forged)).code).toBe("plan-unsigned");
  });

  test("whose signature stands under something else than a plan", () => {
    const bare = encodeCanonical(planPayload, {
      round: 1,
      attempt: 1,
      contractHash: job.contractHash,
      modelHash: seat.modelHash,
    });
    expect(equalBytes(bare, honest.payload)).toBe(true);
    const { signature } = signPlan(
      { round: 1, attempt: 2, contractHash: job.contractHash, modelHash: seat.modelHash },
      people.providerKey,
    );
    expect(refusal(hearPlan(waiting(), { ...honest, signature })).code).toBe("plan-unsigned");
  });

  test("of another contract", () => {
    expect(refusal(hearPlan(waiting(), planOf({ contractHash: NOTHING }))).code).toBe("other-contract");
  });

  test("of a round that is in the model already", () => {
    expect(refusal(hearPlan(waiting({ applied: 1 }), planOf()))).toMatchObject({
      code: "round-replayed",
      round: 1,
      applied: 1,
    });
  });

  test("of a round whose shares are out", () => {
    expect(refusal(hearPlan(remembering({ revealed: 1 }), planOf({ attempt: 9 }))).code).toBe("round-over");
  });

  test("of a round after the contract's last", () => {
    expect(refusal(hearPlan(waiting({ applied: 3 }), planOf({ round: 4 }))).code).toBe("round-over");
  });

  test("of a round whose survivors are signed, whatever became of them", () => {
    const signed = [{ round: 1, attempt: 1, survivors: [memberId(1)], modelHash: NOTHING }];
    expect(refusal(hearPlan(remembering({ signed }), planOf({ attempt: 2 }))).code).toBe("already-signed");
  });

  test("of a model that this site has not computed, or a round that it cannot be at", () => {
    const other = hashFields("another model");
    expect(refusal(hearPlan(waiting(), planOf({ modelHash: other })))).toMatchObject({
      code: "lineage-unproven",
      round: 1,
      applied: 0,
    });
    expect(refusal(hearPlan(waiting(), planOf({ round: 2 }))).code).toBe("lineage-unproven");
  });

  test("of an attempt that this very life has taken part in", () => {
    const inAttempt = hearPlan(waiting(), honest).state;
    const again = planOf({ modelHash: hashFields("another model") });
    expect(refusal(hearPlan(inAttempt, again)).code).toBe("attempt-replayed");
  });
});

describe("a plan is answered", () => {
  test("with an advert, once the journal knows of the attempt, and with training beside it", () => {
    const { state, effects } = hearPlan(waiting(), honest);
    expect(state.stage).toBe("awaiting-roster");
    expect(effects.map(({ type }) => type)).toEqual(["forget-secrets", "persist", "send", "train"]);
    expect(effects[1]).toEqual({ type: "persist", entry: { type: "joined", round: 1, attempt: 1 } });
  });

  test("by training once a round: another attempt masks the same update anew", () => {
    const first = hearPlan(waiting(), honest).state;
    const second = hearPlan(first, planOf({ attempt: 2 }));
    expect(second.effects.filter(({ type }) => type === "train")).toEqual([]);
    const [before, after] = [sentIn(hearPlan(waiting(), honest).effects), sentIn(second.effects)];
    expect(before[0]).not.toEqual(after[0]);
    expect(second.effects[0]).toMatchObject({ type: "forget-secrets" });
  });

  test("not at all where it is the same once more", () => {
    const inAttempt = hearPlan(waiting(), honest).state;
    const { state, effects } = hearPlan(inAttempt, honest);
    expect(state).toBe(inAttempt);
    expect(effects.map(({ type }) => type)).toEqual(["forget-secrets"]);
  });

  test("by saying that the attempt is lost, where an earlier life was in it; the site waits for the next", () => {
    const { state, effects } = hearPlan(remembering({ joined: { round: 1, attempt: 1 } }), honest);
    expect(state.stage).toBe("awaiting-plan");
    expect(sentIn(effects)).toEqual([{ type: "leave", round: 1, attempt: 1, code: "attempt-lost" }]);
    expect(hearPlan(state, planOf({ attempt: 2 })).state.stage).toBe("awaiting-roster");
  });
});
