import { bytesToHex } from "@bulkhead/base";
import { hashFields, signingKeys } from "@bulkhead/crypto";
import {
  agreedPayload,
  type Adverts,
  attemptContext,
  type AttemptContext,
  checkContract,
  type Contract,
  isSignedBy,
  type Job,
  jobOf,
  NO_TRANSCRIPT,
  sharersDigest,
  type SignedStage,
  signPayload,
  transcriptOf,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { federation, SeededRandom } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";
import { flipped, honestRound } from "./honest-round.ts";

const { job, signingKeys: keys } = federation("context", { members: 4, rounds: 9 });
const NAME = { round: 2, attempt: 3 };
const MODEL = hashFields("model");
const id = memberId;

const altered = (change: (contract: Contract) => Contract): Job => jobOf(checkContract(change(job.contract)));
const stranger = bytesToHex(signingKeys(new SeededRandom("stranger").secret()).publicKey);

/** The context with one thing changed at a time. */
const CONTEXTS: readonly (readonly [string, AttemptContext])[] = [
  ["nothing", attemptContext(job, NAME, MODEL)],
  ["the round", attemptContext(job, { ...NAME, round: 3 }, MODEL)],
  ["the attempt", attemptContext(job, { ...NAME, attempt: 4 }, MODEL)],
  ["round and attempt against each other", attemptContext(job, { round: 3, attempt: 2 }, MODEL)],
  ["the model", attemptContext(job, NAME, hashFields("another model"))],
  [
    "the name of the job",
    attemptContext(
      altered((c) => ({ ...c, job: "another-job" })),
      NAME,
      MODEL,
    ),
  ],
  [
    "the purpose",
    attemptContext(
      altered((c) => ({ ...c, purpose: "Another." })),
      NAME,
      MODEL,
    ),
  ],
  [
    "a member's key",
    attemptContext(
      altered((c) => ({ ...c, members: [{ ...c.members[0]!, publicKey: stranger }, ...c.members.slice(1)] })),
      NAME,
      MODEL,
    ),
  ],
  [
    "a member's name",
    attemptContext(
      altered((c) => ({ ...c, members: [{ ...c.members[0]!, name: "other" }, ...c.members.slice(1)] })),
      NAME,
      MODEL,
    ),
  ],
  [
    "the order of members",
    attemptContext(
      altered((c) => ({ ...c, members: c.members.toReversed() })),
      NAME,
      MODEL,
    ),
  ],
  [
    "the provider's key",
    attemptContext(
      altered((c) => ({ ...c, provider: { ...c.provider, publicKey: stranger } })),
      NAME,
      MODEL,
    ),
  ],
  [
    "the minimum",
    attemptContext(
      altered((c) => ({ ...c, cohort: { ...c.cohort, minimum: 4 } })),
      NAME,
      MODEL,
    ),
  ],
  [
    "the clip",
    attemptContext(
      altered((c) => ({ ...c, update: { ...c.update, clipNorm: 2 } })),
      NAME,
      MODEL,
    ),
  ],
  [
    "the learning rate",
    attemptContext(
      altered((c) => ({ ...c, training: { ...c.training, learningRate: 0.2 } })),
      NAME,
      MODEL,
    ),
  ],
  [
    "the range of a tensor",
    attemptContext(
      altered((c) => ({ ...c, tensors: [{ ...c.tensors[0]!, range: 9 }, ...c.tensors.slice(1)] })),
      NAME,
      MODEL,
    ),
  ],
  [
    "the lanes",
    attemptContext(
      altered((c) => ({ ...c, ring: { ...c.ring, bits: 32 } })),
      NAME,
      MODEL,
    ),
  ],
  [
    "the base model",
    attemptContext(
      altered((c) => ({ ...c, base: { ...c.base, digest: bytesToHex(MODEL) } })),
      NAME,
      MODEL,
    ),
  ],
  [
    "what may leave",
    attemptContext(
      altered((c) => ({ ...c, egress: { ...c.egress, bytes: 7 } })),
      NAME,
      MODEL,
    ),
  ],
];
const context = CONTEXTS[0]![1];

describe("a context", () => {
  test("is another one where anything in it is another", () => {
    expect(new Set(CONTEXTS.map(([, { hash }]) => bytesToHex(hash))).size).toBe(CONTEXTS.length);
    expect(new Set(CONTEXTS.map(([, { bytes }]) => bytesToHex(bytes))).size).toBe(CONTEXTS.length);
  });

  test("is the same for whoever holds the same contract", () => {
    const again = attemptContext(jobOf(structuredClone(job.contract)), NAME, MODEL);
    expect(again.hash).toEqual(context.hash);
  });
});

describe("a signature", () => {
  const payload = hashFields("payload");
  const transcript = hashFields("transcript");
  const place = { stage: "agree", context, transcript, from: id(1) } as const;
  const signed = signPayload(place, payload, keys.get(id(1))!);

  test("is of its member", () => {
    expect(isSignedBy(place, signed)).toBe(true);
    expect(isSignedBy({ ...place, from: id(2) }, signed)).toBe(false);
    expect(isSignedBy({ ...place, from: id(9) }, signed)).toBe(false);
    expect(isSignedBy(place, signPayload(place, payload, keys.get(id(2))!))).toBe(false);
  });

  test("is for its stage", () => {
    const stages: readonly SignedStage[] = ["advert", "shares", "masked", "unmask", "leave"];
    for (const stage of stages) expect(isSignedBy({ ...place, stage }, signed), stage).toBe(false);
  });

  test("is in its transcript", () => {
    expect(isSignedBy({ ...place, transcript: NO_TRANSCRIPT }, signed)).toBe(false);
    expect(isSignedBy({ ...place, transcript: flipped(transcript, 31) }, signed)).toBe(false);
  });

  test.each(CONTEXTS.slice(1))("is in its context, and not in one that differs in %s", (what, other) => {
    // Under another key of member 1 or another order of members nobody could have signed it anyway.
    const shared = { ...other, job: { ...other.job, memberById: job.memberById } };
    expect(isSignedBy({ ...place, context: shared }, signed), what).toBe(false);
  });

  test("is over its payload, byte for byte", () => {
    expect(isSignedBy(place, { ...signed, payload: flipped(payload, 31) })).toBe(false);
    expect(isSignedBy(place, { ...signed, payload: payload.subarray(1) })).toBe(false);
    expect(isSignedBy(place, { ...signed, signature: flipped(signed.signature, 63) })).toBe(false);
  });
});

describe("the transcript", () => {
  const at = honestRound().coordinator(1, "shares").before;
  if (at.stage !== "collecting-shares") throw new Error("collects shares");
  const { adverts } = at;
  const [first, second, ...rest] = [...adverts];
  const of = (changed: Adverts, inContext = at.context) => bytesToHex(transcriptOf(inContext, changed));

  test("is another one for other adverts, other members, or another context", () => {
    const [member, advert] = first!;
    const { signed } = advert;
    const variants = [
      of(adverts),
      of(new Map([second!, ...rest])),
      of(new Map([[member, second![1]], [second![0], advert], ...rest])),
      of(
        new Map([
          [member, { ...advert, signed: { ...signed, payload: flipped(signed.payload, 5) } }],
          second!,
          ...rest,
        ]),
      ),
      of(
        new Map([
          [member, { ...advert, signed: { ...signed, signature: flipped(signed.signature, 5) } }],
          second!,
          ...rest,
        ]),
      ),
      of(adverts, context),
    ];
    expect(new Set(variants).size).toBe(variants.length);
  });

  test("is in what is said of sharers and survivors, so that each set has a digest of its own", () => {
    const digests = [
      sharersDigest(MODEL, [id(1), id(2), id(3)]),
      sharersDigest(MODEL, [id(1), id(2)]),
      sharersDigest(flipped(MODEL), [id(1), id(2), id(3)]),
    ].map(bytesToHex);
    expect(new Set(digests).size).toBe(3);
    expect(sharersDigest(MODEL, [id(3), id(1), id(2)])).toEqual(sharersDigest(MODEL, [id(1), id(2), id(3)]));
    const agreements = [
      { survivors: [id(1), id(2)], trailersDigest: MODEL },
      { survivors: [id(1), id(3)], trailersDigest: MODEL },
      { survivors: [id(1), id(2)], trailersDigest: flipped(MODEL) },
    ].map((agreed) => bytesToHex(agreedPayload(agreed)));
    expect(new Set(agreements).size).toBe(3);
  });
});
