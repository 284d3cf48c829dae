import { encodeCanonical, Secret } from "@bulkhead/base";
import { sealOnce } from "@bulkhead/crypto";
import {
  type CoordinatorState,
  boxKeys,
  sharesPayload,
  sharesPlaintext,
  signPayload,
  stepCoordinator,
} from "@bulkhead/protocol";
import { commitShares, memberId, type MemberId, splitSecret } from "@bulkhead/secagg";
import { SeededRandom } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";
import { complaint, flipped, hear, heardIn, honestRound, refusal } from "../honest-round.ts";

const round = honestRound();
const { people, context } = round;
const at = round.client(1, "inbox");
const inbox = heardIn(at, "inbox");
const id = memberId;

const withShares = (change: (shares: typeof inbox.shares) => typeof inbox.shares) =>
  hear(at, { ...inbox, shares: change(inbox.shares) });
const replaced = (owner: number, changed: Partial<(typeof inbox.shares)[number]>) =>
  withShares((shares) => shares.map((one) => (one.owner === owner ? { ...one, ...changed } : one)));

describe("an inbox is refused", () => {
  test("with a dealer that has not advertised, twice, or out of order", () => {
    expect(refusal(withShares((shares) => [...shares, { ...shares[3]!, owner: id(9) }]))).toEqual({
      code: "not-a-subset",
      message: "inbox",
      leave: "refused",
    });
    expect(refusal(withShares((shares) => [...shares, shares[3]!])).code).toBe("not-a-subset");
    expect(refusal(withShares((shares) => shares.toReversed())).code).toBe("not-a-subset");
  });

  test("without oneself, or with something else under one's name", () => {
    expect(refusal(withShares((shares) => shares.slice(1))).code).toBe("self-missing");
    expect(refusal(replaced(1, { payload: inbox.shares[1]!.payload })).code).toBe("own-message-altered");
    expect(refusal(replaced(1, { signature: inbox.shares[1]!.signature })).code).toBe("own-message-altered");
  });

  test("whose root its dealer has not signed", () => {
    const { payload, signature } = inbox.shares[1]!;
    expect(refusal(replaced(2, { payload: flipped(payload) }))).toMatchObject({
      code: "bad-signature",
      from: 2,
      message: "shares",
    });
    expect(refusal(replaced(2, { signature: flipped(signature, 40) })).code).toBe("bad-signature");
  });

  test("with a box that does not open, or is another's: its dealer is named to the coordinator", () => {
    for (const box of [flipped(inbox.shares[1]!.box, 20), inbox.shares[2]!.box, new Uint8Array()]) {
      expect(complaint(replaced(2, { box }))).toEqual({ code: "bad-share", about: 2 });
    }
  });

  test("with a box for another holder", () => {
    const forAnother = heardIn(round.client(3, "inbox"), "inbox").shares[1]!.box;
    expect(complaint(replaced(2, { box: forAnother }))).toEqual({ code: "bad-share", about: 2 });
  });

  test("with fewer dealers than the threshold asks", () => {
    expect(withShares((shares) => shares.slice(0, 3)).state.stage).toBe("masking");
    expect(refusal(withShares((shares) => shares.slice(0, 2)))).toMatchObject({
      code: "too-few-members",
      present: 2,
      needed: 3,
    });
  });
});

describe("a dealer that deals wrongly and signs it", () => {
  const MEMBERS: readonly MemberId[] = [1, 2, 3, 4].map((place) => id(place));
  const state = at.before;
  if (state.stage !== "awaiting-inbox") throw new Error("member 1 waits for its inbox");
  const dealer = round.client(2, "roster").after.state;
  if (dealer.stage !== "awaiting-inbox") throw new Error("member 2 has dealt");
  const { transcript } = dealer;

  /** Member 2 deals again, to member 1, what `change` makes of it. */
  const dealt = (change: (shares: { selfMask: Uint8Array; maskKey: Uint8Array }) => object) => {
    const seed = (label: string) => new SeededRandom(label).secret();
    const split = (label: string) =>
      splitSecret(seed(label), { threshold: 3, holders: MEMBERS, seed: seed(`${label} coefficients`) });
    const [selfMask, maskKey] = [split("self-mask"), split("mask-key")];
    const { root, proofOf } = commitShares(context.bytes, id(2), { selfMask, maskKey });
    const box = sealOnce(
      boxKeys(
        { id: id(2), secretKey: dealer.secrets.shareKeys.secretKey },
        transcript,
      )({ id: id(1), publicKey: state.adverts.get(id(1))!.shareKey })!.toSeal,
      encodeCanonical(sharesPlaintext, {
        selfMask: selfMask[0]!.bytes,
        maskKey: maskKey[0]!.bytes,
        selfMaskProof: proofOf(id(1), "self-mask"),
        maskKeyProof: proofOf(id(1), "mask-key"),
        treeHead: new Uint8Array(32),
        ...change({ selfMask: selfMask[0]!.bytes, maskKey: maskKey[0]!.bytes }),
      }),
    );
    const payload = encodeCanonical(sharesPayload, { root, listDigest: new Uint8Array(32) });
    const place = { stage: "shares", context, transcript, from: id(2) } as const;
    return replaced(2, { box, ...signPayload(place, payload, people.signingKeys.get(id(2))!) });
  };

  test("is taken where its shares are what it signed", () => {
    expect(dealt(() => ({})).state.stage).toBe("masking");
  });

  test("is named where a share of either kind is not, or both are swapped", () => {
    for (const change of [
      ({ selfMask }: { selfMask: Uint8Array }) => ({ selfMask: flipped(selfMask) }),
      ({ maskKey }: { maskKey: Uint8Array }) => ({ maskKey: flipped(maskKey) }),
      ({ selfMask, maskKey }: { selfMask: Uint8Array; maskKey: Uint8Array }) => ({
        selfMask: maskKey,
        maskKey: selfMask,
      }),
      () => ({ selfMaskProof: [] }),
    ])
      expect(complaint(dealt(change))).toEqual({ code: "bad-share", about: 2 });
  });
});

describe("a client that deals", () => {
  const { state, effects } = round.client(1, "roster").after;
  const sent = effects[0]?.type === "send" ? effects[0].message : undefined;

  test("seals one box for each other member, and none for itself", () => {
    if (sent?.type !== "shares") throw new Error("sent its shares");
    expect(sent.sealed.map(({ holder }) => holder)).toEqual([2, 3, 4]);
    expect(new Set(sent.sealed.map(({ box }) => box.join())).size).toBe(3);
  });

  test("splits its two secrets with coefficients of their own: no holder's two shares tell of both", () => {
    const differences = [1, 2, 3, 4].map((holder) => {
      const held = round.client(holder, "inbox").after.state;
      if (held.stage !== "masking") throw new Error("holds shares");
      const { selfMask, maskKey } = held.held.get(id(1))!;
      return selfMask
        .reveal()
        .map((byte, i) => byte ^ maskKey.reveal()[i]!)
        .join();
    });
    // With the same coefficients each would be the difference of the two secrets.
    expect(new Set(differences).size).toBe(4);
  });

  test("keeps its shares as secrets, which are wiped with the attempt", () => {
    if (state.stage !== "awaiting-inbox") throw new Error("waits for its inbox");
    expect(state.ownShares.selfMask).toBeInstanceOf(Secret);
    expect(state.toWipe).toContain(state.ownShares.selfMask);
    expect(state.toWipe).toContain(state.ownShares.maskKey);
    expect(state.toWipe).toContain(state.secrets.selfMaskSeed);
    expect(state.toWipe).toContain(state.secrets.maskKeyRoot);
  });
});

describe("the coordinator", () => {
  const { before, event } = round.coordinator(1, "shares");
  if (event.type !== "received" || event.message.type !== "shares") throw new Error("shares of member 1");
  const { message } = event;
  const reasonOf = (changed: object, state: CoordinatorState = before) => {
    const step = stepCoordinator(state, { ...event, message: { ...message, ...changed } });
    expect(step.state).toBe(state);
    return step.effects.flatMap((effect) => (effect.type === "note" ? [effect.reason] : []))[0];
  };

  test("takes shares once, from the member that signed them", () => {
    const { state } = stepCoordinator(before, event);
    expect(reasonOf({}, state)).toEqual({ code: "late-or-repeated", message: "shares" });
    expect(reasonOf({ payload: flipped(message.payload) })).toMatchObject({ code: "bad-signature" });
    const other = round.coordinator(2, "shares").event;
    if (other.type !== "received") throw new Error("shares of member 2");
    expect(reasonOf(other.message)).toMatchObject({ code: "bad-signature", from: 1 });
  });

  test("takes a list only as it was signed: each holder once, in order, with the box that it was dealt", () => {
    const [first, second, third] = message.sealed;
    for (const sealed of [
      [first!, second!],
      [second!, first!, third!],
      [first!, second!, third!, third!],
      [first!, second!, { ...third!, box: second!.box }],
    ])
      expect(reasonOf({ sealed })).toEqual({ code: "malformed", message: "shares" });
  });

  test("carries the boxes on as they are, each to its holder", () => {
    const box = inbox.shares[1]!.box;
    const sentByTwo = round.coordinator(2, "shares").event;
    if (sentByTwo.type !== "received" || sentByTwo.message.type !== "shares") throw new Error("shares of 2");
    expect(box).toEqual(sentByTwo.message.sealed[0]!.box);
    expect(inbox.shares[0]!.box).toEqual(new Uint8Array());
  });

  test("ends the attempt where its deadline finds too few, and excludes those that are late", () => {
    const late = honestRound({ silent: new Map([[2, "shares"]]) });
    expect(late.end.stage).toBe("published");
    const { after } = late.ofCoordinator.find((step) => step.event.type === "deadline-passed")!;
    expect(after.effects).toContainEqual({
      type: "send",
      to: 2,
      message: { type: "excluded", round: 1, attempt: 1 },
    });
    const few = honestRound({
      silent: new Map([
        [2, "shares"],
        [3, "shares"],
      ]),
    });
    expect(few.end).toMatchObject({ stage: "void", reason: { stage: "shares", present: 2, needed: 3 } });
  });
});
