/**
 * A coordinator that cheats in one way at a time: what it says instead of what an honest one would say. The simulation
 * plays these stories against the machines, the scenario against real processes.
 */
import { type CoordinatorFrame, type CoordinatorMessage, type MessageOf, signPlan } from "@bulkhead/protocol";
import { memberId, type MemberId } from "@bulkhead/secagg";
import type { Cheat, Reply, Tap } from "./tap.ts";

export interface Attack {
  readonly name: string;
  /** The row of the threat table that it plays. */
  readonly row: string;
  readonly cheat: Cheat;
  readonly reply?: Reply;
  /** Once round 1 is published, the victim's machine is set back to where it was before the start. */
  readonly setsBack?: true;
  /** The members that are cheated, and the one code with which each of them must refuse. */
  readonly victims: readonly MemberId[];
  readonly code: string;
  /** How many unmask messages a victim may have sent when it refuses: what it released for the honest part. */
  readonly released?: number;
}

const id = (place: number): MemberId => memberId(place);
const ALL = [1, 2, 3, 4].map(id);
const same = (frame: CoordinatorFrame): readonly CoordinatorFrame[] => [frame];
const others = (members: readonly MemberId[], without: number): readonly MemberId[] =>
  members.filter((member) => member !== without);

/** A plan under the provider's key with some of its fields changed. */
const plan = (
  tap: Tap,
  changed: Partial<Parameters<typeof signPlan>[0]>,
  round = 1,
  attempt = 1,
): MessageOf<CoordinatorMessage, "plan"> => {
  const context = tap.context(round, attempt);
  return signPlan(
    { round, attempt, contractHash: context.job.contractHash, modelHash: context.modelHash, ...changed },
    tap.providerKey,
  );
};

const noise = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 37 + 11) % 256);

export const ATTACKS: readonly Attack[] = [
  {
    name: "invented-member",
    row: "fake peers",
    victims: ALL,
    code: "unknown-member",
    cheat: (frame) => {
      if (frame.type !== "roster") return same(frame);
      const advert = frame.adverts.at(-1)!;
      return [{ ...frame, adverts: [...frame.adverts, { ...advert, from: id(5) }] }];
    },
  },
  {
    name: "replaced-keys",
    row: "man in the middle",
    victims: ALL,
    code: "bad-signature",
    cheat: (frame) =>
      frame.type === "roster"
        ? [
            {
              ...frame,
              adverts: frame.adverts.map((advert) =>
                advert.from === 2 ? { ...advert, payload: noise(advert.payload.length) } : advert,
              ),
            },
          ]
        : same(frame),
  },
  {
    name: "different-adverts",
    row: "different adverts to different clients",
    victims: [id(1)],
    code: "bad-signature",
    cheat: (frame, to, tap) => {
      if (to !== 1) return same(frame);
      if (frame.type === "roster")
        return [{ ...frame, adverts: frame.adverts.filter(({ from }) => from !== 4) }];
      if (frame.type !== "excluded") return same(frame);
      return [
        { type: "inbox", round: frame.round, attempt: frame.attempt, shares: inboxFor(tap, [1, 2, 3], to) },
      ];
    },
  },
  {
    name: "different-sharers",
    row: "different U2",
    victims: [id(1)],
    code: "sharers-differ",
    cheat: (frame, to, tap) => {
      if (to !== 1) return same(frame);
      if (frame.type === "inbox")
        return [{ ...frame, shares: frame.shares.filter(({ owner }) => owner !== 4) }];
      return frame.type === "excluded" ? [survivors(tap, frame, [1, 2, 3])] : same(frame);
    },
  },
  {
    name: "different-survivors",
    row: "different U3 to different clients, to reveal both kinds of share",
    victims: ALL,
    code: "no-quorum",
    cheat: (frame, to, tap) => {
      if (frame.type === "survivors" && to > 2)
        return [{ ...frame, trailers: frame.trailers.filter(({ from }) => from !== 2 || to === 2) }];
      if (frame.type !== "waiting") return same(frame);
      const agreements = ALL.map((from) => ({ from, signature: tap.received("agree", from)!.signature }));
      return [{ type: "quorum", round: frame.round, attempt: frame.attempt, agreements }];
    },
  },
  {
    name: "second-unmasking",
    row: "a member claimed dead after the unmasking, second wave",
    victims: ALL,
    code: "equivocation",
    released: 1,
    cheat: (frame, to, tap) =>
      frame.type === "result"
        ? [survivors(tap, { round: 1, attempt: 1 }, others(ALL, to === 1 ? 2 : 1))]
        : same(frame),
  },
  {
    name: "second-attempt-after-unmasking",
    row: "a member claimed dead after the unmasking, by a new attempt",
    victims: ALL,
    code: "round-over",
    released: 1,
    cheat: (frame, _, tap) => (frame.type === "result" ? [plan(tap, { attempt: 2 })] : same(frame)),
  },
  {
    name: "older-round",
    row: "replay of an older round",
    victims: ALL,
    code: "round-replayed",
    released: 1,
    cheat: (frame, to, tap) => {
      const first = tap.sent("plan", to);
      return frame.type === "plan" && first !== undefined ? [plan(tap, {})] : same(frame);
    },
  },
  {
    name: "same-attempt-again",
    row: "replay of an attempt",
    victims: ALL,
    code: "attempt-replayed",
    cheat: (frame, _, tap) => (frame.type === "roster" ? [plan(tap, { modelHash: noise(32) })] : same(frame)),
  },
  {
    name: "other-model-for-one",
    row: "a different model per client",
    victims: [id(1)],
    code: "lineage-unproven",
    cheat: (frame, to, tap) =>
      frame.type === "plan" && to === 1 ? [plan(tap, { modelHash: noise(32) })] : same(frame),
  },
  {
    name: "other-model-for-all",
    row: "the same malicious model to all",
    victims: ALL,
    code: "lineage-unproven",
    cheat: (frame, _, tap) => (frame.type === "plan" ? [plan(tap, { modelHash: noise(32) })] : same(frame)),
  },
  {
    name: "other-contract",
    row: "different hyper-parameters per client",
    victims: [id(1)],
    code: "other-contract",
    cheat: (frame, to, tap) =>
      frame.type === "plan" && to === 1 ? [plan(tap, { contractHash: noise(32) })] : same(frame),
  },
  {
    name: "forged-plan",
    row: "a plan that the provider did not sign",
    victims: ALL,
    code: "plan-unsigned",
    cheat: (frame) => (frame.type === "plan" ? [{ ...frame, signature: noise(64) }] : same(frame)),
  },
  {
    name: "corrupted-sum",
    row: "lying about the sum, clumsily",
    victims: [id(1)],
    code: "sum-mismatch",
    released: 1,
    cheat: (frame, to) =>
      frame.type === "chunk" && frame.vector === "sum" && to === 1
        ? [{ ...frame, bytes: frame.bytes.map((byte, i) => (i === 100 ? byte ^ 1 : byte)) }]
        : same(frame),
  },
  {
    name: "tiny-cohort",
    row: "a tiny cohort",
    victims: ALL,
    code: "too-few-members",
    cheat: (frame, to) => {
      if (frame.type !== "roster") return same(frame);
      const partner = to <= 2 ? 3 - to : 7 - to;
      return [{ ...frame, adverts: frame.adverts.filter(({ from }) => from === to || from === partner) }];
    },
  },
  {
    name: "few-survivors",
    row: "a tiny cohort among the survivors",
    victims: ALL,
    code: "too-few-members",
    cheat: (frame, to) => {
      if (frame.type !== "survivors") return same(frame);
      const partner = to <= 2 ? 3 - to : 7 - to;
      return [{ ...frame, trailers: frame.trailers.filter(({ from }) => from === to || from === partner) }];
    },
  },
  {
    name: "retry-to-difference",
    row: "a retry, to take the difference of two sums",
    victims: ALL,
    code: "already-signed",
    cheat: (frame, _, tap) =>
      frame.type === "quorum"
        ? [
            { type: "void", round: frame.round, attempt: frame.attempt, code: "internal" },
            plan(tap, { attempt: 2 }),
          ]
        : same(frame),
  },
  {
    name: "both-kinds-of-share",
    row: "asking for both kinds of share",
    victims: ALL,
    code: "equivocation",
    released: 1,
    cheat: (frame, to, tap) =>
      frame.type === "result"
        ? [{ ...tap.sent("quorum", to)!, agreements: tap.sent("quorum", to)!.agreements.toReversed() }]
        : same(frame),
  },
  {
    name: "self-left-out",
    row: "a set of survivors without oneself",
    victims: [id(1)],
    code: "self-missing",
    cheat: (frame, to) =>
      frame.type === "survivors" && to === 1
        ? [{ ...frame, trailers: frame.trailers.filter(({ from }) => from !== 1) }]
        : same(frame),
  },
  {
    name: "snapshot-rollback",
    row: "a victim whose machine was set back to an earlier state, to be asked for its round again",
    victims: [id(1)],
    code: "bad-signature",
    released: 1,
    setsBack: true,
    cheat: (frame, to, tap) => {
      if (to !== 1) return same(frame);
      const again = plan(tap, { attempt: 2 });
      if (frame.type === "result" && tap.sent("result", to) !== undefined) return [again];
      const isAsked = tap.sent("plan", to)?.payload.join() === again.payload.join();
      return isAsked && frame.type === "chunk" && frame.vector === "sum" ? [] : same(frame);
    },
    reply: (message, from, tap) =>
      message.type === "advert" && from === 1 && message.attempt === 2
        ? [
            {
              type: "roster",
              round: 1,
              attempt: 2,
              adverts: ALL.map((member) => {
                const { payload, signature } = tap.received("advert", member)!;
                return { from: member, payload, signature };
              }),
            },
          ]
        : [],
  },
];

const inboxFor = (tap: Tap, owners: readonly number[], to: MemberId) =>
  owners.map(id).map((owner) => {
    const { payload, signature, sealed } = tap.received("shares", owner)!;
    const box = sealed.find(({ holder }) => holder === to)?.box ?? new Uint8Array();
    return { owner, payload, signature, box };
  });

const survivors = (
  tap: Tap,
  { round, attempt }: { readonly round: number; readonly attempt: number },
  members: readonly number[],
): CoordinatorMessage => ({
  type: "survivors",
  round,
  attempt,
  trailers: members.map(id).map((from) => {
    const { payload, signature } = tap.received("masked", from)!;
    return { from, payload, signature };
  }),
});
