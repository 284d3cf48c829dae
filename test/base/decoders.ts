/** Every decoder of `base`, and what it must do with any bytes: give a value that encodes to them, or a `ShapeError`. */
import {
  bytesToHex,
  canonicalJson,
  type Canonical,
  decodeCanonical,
  encodeCanonical,
  equalBytes,
  hexToBytes,
  integer,
  listOf,
  optional,
  parseCanonicalJson,
  rawBytes,
  sequence,
  ShapeError,
  struct,
  text,
  type TypeOf,
  u16,
  u32,
  u64,
  u8,
  utf8,
  utf8ToText,
  varBytes,
  varText,
  variant,
} from "@bulkhead/base";
import fc from "fast-check";
import { mutated } from "./mutated.ts";
import { codePoint } from "../code-point.ts";

export interface Decoder {
  readonly name: string;
  readonly input: fc.Arbitrary<Uint8Array>;
  /** Whether the bytes were taken; throws where the law is broken. */
  readonly takes: (bytes: Uint8Array) => boolean;
}

/** Lets a decoder meet so many random and mutated inputs; fails too if it took all of them, or none. */
export const meet = ({ name, input, takes }: Decoder, inputs: number): void => {
  let taken = 0;
  const law = fc.property(input, (bytes) => {
    if (takes(bytes)) taken++;
  });
  fc.assert(law, { numRuns: inputs });
  if (taken === 0 || taken === inputs) throw new Error(`${name} took ${taken} of ${inputs} inputs`);
};

/** One codec in which every kind of codec stands. */
export const EVERYTHING = struct({
  byte: u8,
  attempt: u16,
  round: u32,
  total: u64,
  key: rawBytes(4),
  name: varText(12),
  members: sequence(struct({ id: varBytes(6), weights: sequence(u16, 3) }), 4),
  inner: struct({ blob: varBytes(20), flag: u8 }),
});

const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

export const everything = fc.record({
  byte: fc.nat(255),
  attempt: fc.nat(65_535),
  round: fc.nat(2 ** 32 - 1),
  total: fc.maxSafeNat(),
  key: fixed(4),
  name: fc.string({ unit: codePoint, maxLength: 12 }).filter((name) => utf8(name).length <= 12),
  members: fc.array(
    fc.record({ id: fc.uint8Array({ maxLength: 6 }), weights: fc.array(fc.nat(65_535), { maxLength: 3 }) }),
    { maxLength: 4 },
  ),
  inner: fc.record({ blob: fc.uint8Array({ maxLength: 20 }), flag: fc.nat(255) }),
});

export const json = fc.jsonValue({ maxDepth: 4, stringUnit: "binary" }).map(withoutNegativeZero);

const MESSAGE = variant({
  advert: { keys: listOf(text(5), 3), round: integer(0, 9) },
  leave: { reason: optional(text(9)) },
});
const message: fc.Arbitrary<TypeOf<typeof MESSAGE>> = fc.oneof(
  fc.record({
    type: fc.constant("advert" as const),
    keys: fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 }),
    round: fc.nat(9),
  }),
  fc.record(
    { type: fc.constant("leave" as const), reason: fc.string({ maxLength: 9 }) },
    { requiredKeys: ["type"] },
  ),
);

export const BASE_DECODERS: readonly Decoder[] = [
  {
    name: "decodeCanonical",
    input: mutated(everything.map((value) => encodeCanonical(EVERYTHING, value))),
    takes: (bytes) =>
      roundTrips(bytes, () => encodeCanonical(EVERYTHING, decodeCanonical(EVERYTHING, bytes)), ShapeError),
  },
  {
    name: "decodeCanonical of a long list",
    input: mutated(fc.array(fc.nat(255)).map((items) => encodeCanonical(LONG_LIST, items))),
    takes: (bytes) =>
      roundTrips(bytes, () => encodeCanonical(LONG_LIST, decodeCanonical(LONG_LIST, bytes)), ShapeError),
  },
  {
    name: "parseCanonicalJson",
    input: mutated(json.map(canonicalJson)),
    takes: (bytes) => roundTrips(bytes, () => canonicalJson(parseCanonicalJson(bytes)), ShapeError),
  },
  {
    name: "a shape over parsed JSON",
    input: mutated(message.map((value) => canonicalJson(value))),
    takes: (bytes) => roundTrips(bytes, () => canonicalJson(MESSAGE(parseCanonicalJson(bytes))), ShapeError),
  },
  {
    name: "utf8ToText",
    input: mutated(fc.string({ unit: codePoint }).map(utf8)),
    takes: (bytes) => roundTrips(bytes, () => utf8(utf8ToText(bytes)), TypeError),
  },
  {
    name: "hexToBytes",
    input: mutated(fc.uint8Array().map((bytes) => utf8(bytesToHex(bytes)))),
    takes: (bytes) => {
      const digits = Buffer.from(bytes).toString("latin1");
      const read = hexToBytes(digits);
      if (read !== undefined && bytesToHex(read) !== digits)
        throw new Error(`read ${digits} as other digits`);
      return read !== undefined;
    },
  },
];

const LONG_LIST: Canonical<readonly number[]> = sequence(u8, 2 ** 32 - 1);

const roundTrips = (
  bytes: Uint8Array,
  decodeAndEncode: () => Uint8Array,
  refusal: new (...parts: never[]) => Error,
): boolean => {
  let again: Uint8Array;
  try {
    again = decodeAndEncode();
  } catch (error) {
    if (error instanceof refusal) return false;
    throw error;
  }
  if (!equalBytes(bytes, again)) throw new Error("a value has two encodings");
  return true;
};

/** JSON has no negative zero. */
function withoutNegativeZero(value: fc.JsonValue): fc.JsonValue {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(withoutNegativeZero);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, withoutNegativeZero(field ?? null)]),
  );
}
