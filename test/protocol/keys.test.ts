import { bytesToHex, encodeFields, type Secret } from "@bulkhead/base";
import { agree, deriveSecret } from "@bulkhead/crypto";
import {
  attemptContext,
  type AttemptContext,
  attemptSecrets,
  maskKeysOf,
  pairMaskKeys,
  secretsToWipe,
  selfMaskCommitment,
  selfMaskKey,
  boxKeys,
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
      pairMaskKeys(
        { id: id(own.id), secretKey: own.secrets!.maskKeys.secretKey },
        transcript,
      )({ id: id(peer.id), publicKey: peer.secrets!.maskKeys.publicKey }),
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
    expect(pairMaskKeys({ id: id(1), secretKey: a!.maskKeys.secretKey }, T1)(low)).toBeUndefined();
  });

  test("of oneself follow from seed, transcript and owner", () => {
    const self = (secrets: typeof a, transcript: Uint8Array, owner: number) =>
      hex(selfMaskKey(secrets!.selfMaskSeed, transcript, id(owner)));
    expect(new Set([self(a, T1, 1), self(b, T1, 1), self(a, T2, 1), self(a, T1, 2)]).size).toBe(4);
  });
});

describe("keys for shares", () => {
  const keys = (own: typeof a, peer: typeof a, ids: readonly [number, number], transcript = T1) =>
    boxKeys(
      { id: id(ids[0]), secretKey: own!.shareKeys.secretKey },
      transcript,
    )({ id: id(ids[1]), publicKey: peer!.shareKeys.publicKey })!;

  test("are the same at both ends, and another one on the way back", () => {
    const [there, back] = [keys(a, b, [1, 2]), keys(b, a, [2, 1])];
    expect(hex(there.toSeal)).toBe(hex(back.toOpen));
    expect(hex(there.toOpen)).toBe(hex(back.toSeal));
    expect(hex(there.toSeal)).not.toBe(hex(there.toOpen));
    expect(hex(there.toSeal)).not.toBe(hex(keys(a, b, [1, 2], T2).toSeal));
  });

  test("are HKDF of the agreement under the label, the owner and the holder", () => {
    const secret = agree(a!.shareKeys.secretKey, b!.shareKeys.publicKey)!;
    const info = Uint8Array.of(...encodeFields("bulkhead/1 share-aead"), 1, 2);
    expect(hex(keys(a, b, [1, 2]).toSeal)).toBe(hex(deriveSecret({ secret, salt: T1, info })));
  });

  test("are refused for a public key of low order", () => {
    const own = { id: id(1), secretKey: a!.shareKeys.secretKey };
    expect(boxKeys(own, T1)({ id: id(2), publicKey: new Uint8Array(32) })).toBeUndefined();
  });
});
