/** Every type of message and frame, filled at random within its shape. */
import {
  type Chunk,
  type ClientEntry,
  type ClientFrame,
  type ClientMessage,
  clientPlace,
  type CoordinatorEvent,
  type CoordinatorFrame,
  type CoordinatorMessage,
  leaveCode,
  voidCode,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import fc from "fast-check";

const CLIENT_PLACES = [
  "awaiting-plan",
  "awaiting-roster",
  "awaiting-inbox",
  "awaiting-update",
  "masking",
  "awaiting-survivors",
  "awaiting-quorum",
  "awaiting-result",
  "applying",
] as const;
const LEAVE_CODES = [
  "stopped",
  "consent-withdrawn",
  "refused",
  "bad-share",
  "training-failed",
  "attempt-lost",
  "link-lost",
] as const;
const VOID_CODES = [
  "too-few-members",
  "masks-did-not-cancel",
  "reconstruction-failed",
  "waiting-for-member",
  "internal",
] as const;

const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
export const members = fc.integer({ min: 1, max: 255 }).map((id) => memberId(id));
const names = fc.record({ round: fc.nat(2 ** 31 - 1), attempt: fc.nat(65_535) });
const signed = fc.record({ payload: bytes(80), signature: fixed(64) });
const signedFrom = fc.tuple(members, signed).map(([from, one]) => ({ from, ...one }));
const agreements = fc.array(fc.record({ from: members, signature: fixed(64) }), { maxLength: 4 });
const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 4 });

const inAttempt = <T extends string, F extends object>(type: T, fields: fc.Arbitrary<F>) =>
  fc.tuple(names, fields).map(([name, rest]) => ({ type, ...name, ...rest }));
const signedMessage = <T extends string>(type: T) => inAttempt(type, signed);

const clientMessages: fc.Arbitrary<ClientMessage> = fc.oneof(
  inAttempt(
    "hello",
    fc.record({
      place: fc.constantFrom(...CLIENT_PLACES).map((place) => clientPlace(place)),
      applied: fc.nat(2 ** 31 - 1),
      modelHash: fixed(32),
    }),
  ),
  signedMessage("advert"),
  inAttempt(
    "shares",
    fc
      .tuple(signed, list(fc.record({ holder: members, box: bytes(60) })))
      .map(([one, sealed]) => ({ ...one, sealed })),
  ),
  signedMessage("masked"),
  signedMessage("agree"),
  signedMessage("unmask"),
  inAttempt(
    "leave",
    fc.record(
      { code: fc.constantFrom(...LEAVE_CODES).map((code) => leaveCode(code)), about: members },
      { requiredKeys: ["code"] },
    ),
  ),
);

const plans = signed.map((one) => ({ type: "plan" as const, ...one }));
const results = fc
  .tuple(signed, agreements)
  .map(([one, all]) => ({ type: "result" as const, ...one, agreements: all }));

export const coordinatorMessages: fc.Arbitrary<CoordinatorMessage> = fc.oneof(
  plans,
  inAttempt("roster", fc.record({ adverts: list(signedFrom) })),
  inAttempt(
    "inbox",
    fc.record({
      shares: list(fc.tuple(members, signed, bytes(60)).map(([owner, one, box]) => ({ owner, ...one, box }))),
    }),
  ),
  inAttempt("received", fc.record({ bytes: fc.maxSafeNat() })),
  inAttempt("excluded", fc.constant({})),
  inAttempt("survivors", fc.record({ trailers: list(signedFrom) })),
  inAttempt("quorum", fc.record({ agreements })),
  results,
  inAttempt("void", fc.record({ code: fc.constantFrom(...VOID_CODES).map((code) => voidCode(code)) })),
  inAttempt("waiting", fc.record({ members: list(members) })),
  fc.record({
    type: fc.constant("finished" as const),
    code: fc.constantFrom("done" as const, "failed" as const),
  }),
);

export const chunks: fc.Arbitrary<Chunk> = fc
  .tuple(
    names,
    fc.constantFrom("masked-input" as const, "sum" as const, "model" as const),
    fc.uint8Array({ minLength: 1, maxLength: 50 }),
    fc.nat(2 ** 40),
    fc.nat(2 ** 40),
  )
  .map(([name, vector, piece, offset, after]) => ({
    type: "chunk",
    ...name,
    vector,
    offset,
    total: offset + piece.length + after,
    bytes: piece,
  }));

export const clientFrames: fc.Arbitrary<ClientFrame> = fc.oneof(
  { weight: 7, arbitrary: clientMessages },
  { weight: 1, arbitrary: chunks },
);
export const coordinatorFrames: fc.Arbitrary<CoordinatorFrame> = fc.oneof(
  { weight: 10, arbitrary: coordinatorMessages },
  { weight: 1, arbitrary: chunks },
);

export const clientEntries: fc.Arbitrary<ClientEntry> = fc.oneof(
  names.map((name) => ({ type: "joined" as const, ...name })),
  inAttempt("signed", fc.record({ survivors: list(members), modelHash: fixed(32) })),
  names.map((name) => ({ type: "revealed" as const, ...name })),
);

export const coordinatorEvents: fc.Arbitrary<CoordinatorEvent> = fc.oneof(
  fc.record({ type: fc.constant("received" as const), from: members, message: clientMessages }),
  fc.record({
    type: fc.constant("folded" as const),
    from: members,
    outcome: fc.constantFrom("added" as const, "length" as const, "digest" as const, "missing" as const),
  }),
  fc.record({
    type: fc.constant("summed" as const),
    outcome: fc.constantFrom("plain" as const, "masks-did-not-cancel" as const),
    digest: fixed(32),
  }),
  fc.record({ type: fc.constant("lost" as const), from: members }),
  fc.constant({ type: "deadline-passed" as const }),
);
