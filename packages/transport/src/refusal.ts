/** Why a coordinator does not open a link: a closed list, each with what a person can do about it. */
import { decodeCanonical, encodeCanonical, struct, u64, u8 } from "@bulkhead/base";

export type Refusal =
  | { readonly type: PlainRefusal }
  | { readonly type: TimedRefusal; readonly byMs: number }
  /** The version that the refusing side speaks. */
  | { readonly type: "other-version"; readonly version: number }
  /** Positive where the client's clock is ahead of the coordinator's. */
  | { readonly type: "clock-far-off"; readonly byMs: number };

/** Where a type stands is what travels: new ones are added at the end. */
const PLAIN = [
  "not-understood",
  "weak-key",
  "not-authentic",
  "wrong-contract",
  "unknown-member",
  "certificate-invalid",
  "session-unknown",
  "resume-out-of-range",
  "shutting-down",
] as const;
export type PlainRefusal = (typeof PLAIN)[number];

const TIMED = ["certificate-too-long", "certificate-not-yet-valid", "certificate-expired"] as const;
export type TimedRefusal = (typeof TIMED)[number];

const FIRST_TIMED = 64;
const OTHER_VERSION = 128;
const CLOCK_AHEAD = 129;
const CLOCK_BEHIND = 130;

const wire = struct({ code: u8, fact: u64 });

export const encodeRefusal = (refusal: Refusal): Uint8Array => encodeCanonical(wire, refusalToWire(refusal));

/** Gives `undefined` for what no refusal of this version is encoded as; throws a `ShapeError` on other lengths. */
export const decodeRefusal = (bytes: Uint8Array): Refusal | undefined => {
  const { code, fact } = decodeCanonical(wire, bytes);
  if (code === OTHER_VERSION) return { type: "other-version", version: fact };
  if (code === CLOCK_AHEAD) return { type: "clock-far-off", byMs: fact };
  if (code === CLOCK_BEHIND) return fact === 0 ? undefined : { type: "clock-far-off", byMs: -fact };
  const timed = TIMED[code - FIRST_TIMED];
  if (timed !== undefined) return { type: timed, byMs: fact };
  const plain = PLAIN[code];
  return plain === undefined || fact !== 0 ? undefined : { type: plain };
};

const refusalToWire = (refusal: Refusal): { readonly code: number; readonly fact: number } => {
  if (refusal.type === "other-version") return { code: OTHER_VERSION, fact: refusal.version };
  if (refusal.type === "clock-far-off")
    return { code: refusal.byMs < 0 ? CLOCK_BEHIND : CLOCK_AHEAD, fact: Math.abs(refusal.byMs) };
  return "byMs" in refusal
    ? { code: FIRST_TIMED + TIMED.indexOf(refusal.type), fact: refusal.byMs }
    : { code: PLAIN.indexOf(refusal.type), fact: 0 };
};
