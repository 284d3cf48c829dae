import { bytesToHex, type Secret } from "@bulkhead/base";
import {
  attemptContext,
  type AttemptContext,
  attemptSecrets,
  maskKeysOf,
  pairMaskKey,
  secretsToWipe,
  selfMaskCommitment,
  selfMaskKey,
  shareKey,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { federation, SeededRandom } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";

const { job } = federation("keys", { members: 4 });
const random = new SeededRandom("keys");
const context = attemptContext(job, { round: 1, attempt: 1 }, random.bytes(32));
const other = attemptContext(job, { round: 1, attempt: 2 }, context.modelHash);
const [T1, T2] = [random.bytes(32), random.bytes(32)];
const id = memberId;

const seedOf = (label: string): Secret => new SeededRandom(label).secret();
const [a, b, c] = ["a", "b", "c"].map((label) => attemptSecrets(seedOf(label), context));
const hex = (key: Secret | undefined): string => bytesToHex(key!.reveal());
const all = (secrets: ReturnType<typeof attemptSecrets>): readonly string[] =>
  secretsToWipe(secrets).map(hex);

describe("an attempt's secrets", () => {
  test("are five that differ, and follow from seed and context alone", () => {
    expect(new Set(all(a!)).size).toBe(5);
    expect(all(attemptSecrets(seedOf("a"), context))).toEqual(all(a!));
  });

  test("have nothing in common with another seed's, or with those of the same seed in another attempt", () => {
    const everything = [...all(a!), ...all(b!), ...all(attemptSecrets(seedOf("a"), other))];
    expect(new Set(everything).size).toBe(15);
  });

  test("are wiped all, and no wiped one is ever used as a key", () => {
    const secrets = attemptSecrets(seedOf("wiped"), context);
    for (const secret of secretsToWipe(secrets)) secret.wipe();
    expect(() => secrets.maskKeyRoot.reveal()).toThrow("wiped");
    expect(() => secrets.shareKeys.secretKey.reveal()).toThrow("wiped");
  });

  test("give the mask key pair again from its root, in their own context only", () => {
    expect(maskKeysOf(a!.maskKeyRoot, context).publicKey).toEqual(a!.maskKeys.publicKey);
    expect(maskKeysOf(a!.maskKeyRoot, other).publicKey).not.toEqual(a!.maskKeys.publicKey);
  });

  test("do not give the key under which shares are sealed from the root that a lost member reveals", () => {
    expect(maskKeysOf(a!.maskKeyRoot, context).publicKey).not.toEqual(a!.shareKeys.publicKey);
    expect(hex(maskKeysOf(a!.maskKeyRoot, context).secretKey)).not.toBe(hex(a!.shareKeys.secretKey));
  });
});

describe("the commitment to a self mask", () => {
  test("is another one for another seed, owner or context", () => {
    const of = (secret: Secret, owner: number, inContext: AttemptContext) =>
      bytesToHex(selfMaskCommitment(inContext, id(owner), secret));
    const commitments = [
      of(a!.selfMaskSeed, 1, context),
      of(b!.selfMaskSeed, 1, context),
      of(a!.selfMaskSeed, 2, context),
      of(a!.selfMaskSeed, 1, other),
    ];
    expect(new Set(commitments).size).toBe(4);
  });
});

describe("mask keys", () => {
  const pair = (
    own: { id: number; secrets: typeof a },
    peer: { id: number; secrets: typeof a },
    transcript = T1,
  ) =>
    hex(
      pairMaskKey(
        { id: id(own.id), secretKey: own.secrets!.maskKeys.secretKey },
        { id: id(peer.id), publicKey: peer.secrets!.maskKeys.publicKey },
        transcript,
      ),
    );
  const [A, B, C] = [
    { id: 1, secrets: a },
    { id: 2, secrets: b },
    { id: 3, secrets: c },
  ];

  test("of a pair are the same at both ends, and of no two pairs or transcripts", () => {
    expect(pair(A, B)).toBe(pair(B, A));
    expect(new Set([pair(A, B), pair(A, C), pair(B, C), pair(A, B, T2)]).size).toBe(4);
    expect(pair({ ...A, id: 4 }, B)).not.toBe(pair(A, B));
  });

  test("are refused for a public key of low order", () => {
    const low = { id: id(2), publicKey: new Uint8Array(32) };
    expect(pairMaskKey({ id: id(1), secretKey: a!.maskKeys.secretKey }, low, T1)).toBeUndefined();
  });

  test("of oneself follow from seed, transcript and owner", () => {
    const self = (secrets: typeof a, transcript: Uint8Array, owner: number) =>
      hex(selfMaskKey(secrets!.selfMaskSeed, transcript, id(owner)));
    expect(new Set([self(a, T1, 1), self(b, T1, 1), self(a, T2, 1), self(a, T1, 2)]).size).toBe(4);
  });
});

describe("keys for shares", () => {
  const key = (own: typeof a, peer: typeof a, way: readonly [number, number], transcript = T1) =>
    shareKey(own!.shareKeys.secretKey, peer!.shareKeys.publicKey, transcript, {
      owner: id(way[0]),
      holder: id(way[1]),
    });

  test("are the same at both ends, and another one on the way back", () => {
    expect(hex(key(a, b, [1, 2]))).toBe(hex(key(b, a, [1, 2])));
    expect(hex(key(a, b, [1, 2]))).not.toBe(hex(key(b, a, [2, 1])));
    expect(hex(key(a, b, [1, 2]))).not.toBe(hex(key(a, b, [1, 2], T2)));
  });

  test("are refused for a public key of low order", () => {
    const way = { owner: id(1), holder: id(2) };
    expect(shareKey(a!.shareKeys.secretKey, new Uint8Array(32), T1, way)).toBeUndefined();
  });
});
