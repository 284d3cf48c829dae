import { decodeCanonical } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import {
  type ClientMessage,
  decodeClientFrame,
  type MessageOf,
  resultMessage,
  resultPayload,
  unmaskPayload,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { ATTACKS, type Cheat, type MemberEnd, type Played, playJob, sizeOf } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";

const SIZE = sizeOf(4, { rounds: 2, attemptsPerRound: 5 });

const endName = (end: MemberEnd): string => {
  if (end.type === "refused") return end.reason.code;
  return end.type === "waiting" ? `waiting at ${end.stage}` : end.type;
};
const endsOf = ({ members }: Played): readonly string[] =>
  [...members.values()].map(({ end }) => endName(end));

/** The different lists of shares that each member has sent. */
const revealsOf = ({
  frames,
}: Played): ReadonlyMap<number, ReadonlyMap<string, MessageOf<ClientMessage, "unmask">>> => {
  const reveals = new Map(
    [1, 2, 3, 4].map((member) => [member, new Map<string, MessageOf<ClientMessage, "unmask">>()]),
  );
  for (const { member, direction, type, bytes } of frames) {
    if (direction !== "up" || type !== "unmask") continue;
    const frame = decodeClientFrame(bytes);
    if (frame.type === "unmask") reveals.get(member)!.set(frame.payload.join(), frame);
  }
  return reveals;
};
const revealCounts = (played: Played): readonly number[] =>
  [...revealsOf(played).values()].map((reveals) => reveals.size);

/** How a member ends, and how many different lists of shares it has sent by then; one line where all do the same. */
const ENDS: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
  "invented-member": [["unknown-member", 0]],
  "replaced-keys": [["bad-signature", 0]],
  "different-adverts": [
    ["bad-signature", 0],
    ["done", 2],
    ["done", 2],
    ["done", 2],
  ],
  "different-sharers": [
    ["sharers-differ", 0],
    ["done", 2],
    ["done", 2],
    ["done", 2],
  ],
  "different-survivors": [["no-quorum", 0]],
  "second-unmasking": [["equivocation", 1]],
  "second-attempt-after-unmasking": [["round-over", 1]],
  "older-round": [["round-replayed", 1]],
  "same-attempt-again": [["attempt-replayed", 0]],
  "other-model-for-one": [
    ["lineage-unproven", 0],
    ["done", 2],
    ["done", 2],
    ["done", 2],
  ],
  "other-model-for-all": [["lineage-unproven", 0]],
  "other-contract": [
    ["other-contract", 0],
    ["done", 2],
    ["done", 2],
    ["done", 2],
  ],
  "forged-plan": [["plan-unsigned", 0]],
  "corrupted-sum": [
    ["sum-mismatch", 1],
    ["done", 2],
    ["done", 2],
    ["done", 2],
  ],
  "tiny-cohort": [["too-few-members", 0]],
  "few-survivors": [["too-few-members", 0]],
  "retry-to-difference": [["already-signed", 0]],
  "both-kinds-of-share": [["equivocation", 1]],
  "self-left-out": [
    ["self-missing", 0],
    ["done", 2],
    ["done", 2],
    ["done", 2],
  ],
  "snapshot-rollback": [
    ["bad-signature", 1],
    ["done", 2],
    ["done", 2],
    ["done", 2],
  ],
};

describe("a coordinator that cheats is refused, by each member with its code:", () => {
  test.each(ATTACKS.map((attack) => [attack.name, attack] as const))("%s", (name, attack) => {
    const { cheat, reply, setsBack, victims, code, released = 0 } = attack;
    const played = playJob({
      seed: `attack/${name}`,
      size: SIZE,
      cheat,
      ...(reply === undefined ? {} : { reply }),
      ...(setsBack ? { setBack: victims } : {}),
    });
    const ends = ENDS[name] ?? [];
    const all = ends.length === 1 ? Array.from({ length: 4 }, () => ends[0]!) : ends;
    const reveals = revealCounts(played);
    expect(endsOf(played).map((end, i) => [end, reveals[i]])).toEqual(all);
    for (const id of victims) expect(all[id - 1]).toEqual([code, released]);
    expectOneKindOfShare(played);
  });

  test("every attack of the catalogue is listed here, and no other", () => {
    expect(Object.keys(ENDS)).toEqual(ATTACKS.map(({ name }) => name));
  });
});

/** Whatever is asked, no holder gives both kinds of share of one owner in one round. */
const expectOneKindOfShare = (played: Played): void => {
  for (const [holder, reveals] of revealsOf(played)) {
    const kinds = new Map<string, number>();
    for (const { round, payload } of reveals.values())
      for (const { owner, kind } of decodeCanonical(unmaskPayload, payload).shares) {
        const key = `holder ${holder}, round ${round}, owner ${owner}`;
        expect(kinds.get(key) ?? kind, key).toBe(kind);
        kinds.set(key, kind);
      }
  }
};

describe("a coordinator that tells one member another sum", () => {
  /** Consistent in itself: the digest fits, the provider has signed it. What it cannot have is the others' next model. */
  const otherSum = (): Cheat => {
    const held = new Map<number, MessageOf<Parameters<Cheat>[0] & { type: "result" }, "result">>();
    let pieces: Extract<Parameters<Cheat>[0], { readonly type: "chunk" }>[] = [];
    return (frame, to, tap) => {
      if (to !== 1) return [frame];
      if (frame.type === "result") {
        held.set(to, frame);
        pieces = [];
        return [];
      }
      const result = held.get(to);
      if (frame.type !== "chunk" || frame.vector !== "sum" || result === undefined) return [frame];
      pieces.push(frame);
      if (frame.offset + frame.bytes.length < frame.total) return [];
      held.delete(to);
      const altered = pieces.map((piece, i) =>
        i === 0 ? { ...piece, bytes: piece.bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) } : piece,
      );
      const sum = Uint8Array.from(altered.flatMap(({ bytes }) => [...bytes]));
      const payload = { ...decodeCanonical(resultPayload, result.payload), sumDigest: sha256(sum) };
      const agreements = new Map(result.agreements.map(({ from, signature }) => [from, signature]));
      return [resultMessage({ result: payload, agreements }, tap.providerKey), ...altered];
    };
  };

  test("is refused by it in the next round, whose model is not the one that it has computed", () => {
    const played = playJob({ seed: "other sum", size: SIZE, cheat: otherSum() });
    expect(endsOf(played)).toEqual(["lineage-unproven", "done", "done", "done"]);
    expect(played.rounds.map(({ type }) => type)).toEqual(["published", "published"]);
    const [victim, other] = [1, 2].map((id) => played.members.get(memberId(id))!.disk);
    expect(victim!.applied).toBe(1);
    expect(other!.applied).toBe(2);
    expect(revealCounts(played)).toEqual([1, 2, 2, 2]);
  });
});

describe("members that refuse small differences between cohorts", () => {
  /** In round 2 one that is alive is said to be lost. */
  const claimDead = (rounds: number): Cheat => {
    return (frame, to) =>
      frame.type === "survivors" && frame.round === rounds && to !== 4
        ? [{ ...frame, trailers: frame.trailers.filter(({ from }) => from !== 4) }]
        : [frame];
  };
  const play = (strictCohorts: boolean) =>
    playJob({ seed: "claimed dead", size: SIZE, strictCohorts, cheat: claimDead(2) });

  test("do not sign a set that differs from an earlier one by the member claimed dead", () => {
    const played = play(true);
    expect(endsOf(played).slice(0, 3)).toEqual([
      "cohort-difference",
      "cohort-difference",
      "cohort-difference",
    ]);
    expect(revealCounts(played)).toEqual([1, 1, 1, 1]);
  });

  test("sign it without that rule, and see that it has no quorum where one is shown another set", () => {
    const played = play(false);
    expect(endsOf(played)).toEqual([
      "waiting at awaiting-quorum",
      "waiting at awaiting-quorum",
      "waiting at awaiting-quorum",
      "waiting at awaiting-quorum",
    ]);
    expect(played.rounds.at(-1)).toMatchObject({ type: "void", code: "waiting-for-member" });
    expect(revealCounts(played)).toEqual([1, 1, 1, 1]);
  });
});
