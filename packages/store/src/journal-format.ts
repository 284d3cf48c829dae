/**
 * The bytes of a journal: a header and records, chained by hash.
 *
 *     header   fields("bulkhead journal", version, binding) ‖ first 16 bytes of chain₀ = SHA-256(fields)
 *     record   length (u32) ‖ 4 bytes of SHA-256(chainᵢ ‖ "length" ‖ length) ‖ payload ‖ 16 bytes of chainᵢ₊₁
 *     chainᵢ₊₁ = SHA-256(chainᵢ ‖ "entry" ‖ length ‖ payload)
 *
 * The chain finds a changed, moved or missing record wherever it stands. The length has a check of its own, so that
 * a flipped bit in it is not taken for an end that a crash cut short. What a crash in mid-append can leave is: fewer
 * bytes than the record needs, or (after a power failure) zeros where the end of the record should be.
 */
import { concatBytes, encodeFields, equalBytes, Reader, ShapeError, u32ToBytes, utf8 } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";

const FORMAT = utf8("bulkhead journal");
const FORMAT_VERSION = 1;
export const LONGEST_BINDING = 1024;

const CHECK_LENGTH = 16;
const HEAD_LENGTH = 8;
export const LONGEST_HEADER = 4 * 3 + FORMAT.length + 4 + LONGEST_BINDING + CHECK_LENGTH;

export const journalHeader = (binding: Uint8Array): Uint8Array => {
  const fields = encodeFields(FORMAT, u32ToBytes(FORMAT_VERSION), binding);
  return concatBytes(fields, sha256(fields).subarray(0, CHECK_LENGTH));
};

type ReadHeader =
  | {
      readonly type: "header";
      readonly binding: Uint8Array;
      readonly chain: Uint8Array;
      readonly end: number;
    }
  | { readonly type: "other-version"; readonly version: number }
  | { readonly type: "no-journal" };

/** From the first {@link LONGEST_HEADER} bytes of a file, or all of a shorter one. */
export const readHeader = (start: Uint8Array): ReadHeader => {
  try {
    const reader = new Reader(start);
    const field = () => reader.take(reader.uint(4));
    if (!equalBytes(field(), FORMAT)) return { type: "no-journal" };
    const version = new Reader(field()).uint(4);
    if (version !== FORMAT_VERSION) return { type: "other-version", version };
    const binding = field();
    const fields = start.subarray(0, start.length - reader.rest);
    const chain = sha256(fields);
    if (!equalBytes(reader.take(CHECK_LENGTH), chain.subarray(0, CHECK_LENGTH)))
      return { type: "no-journal" };
    return { type: "header", binding, chain, end: start.length - reader.rest };
  } catch (error) {
    if (error instanceof ShapeError) return { type: "no-journal" };
    throw error;
  }
};

/** A record to append where the chain stands at `chain`, and where the chain stands after it. */
export const journalRecord = (
  chain: Uint8Array,
  payload: Uint8Array,
): { readonly record: Uint8Array; readonly chain: Uint8Array } => {
  const length = u32ToBytes(payload.length);
  const next = nextChain(chain, length, payload);
  return {
    record: concatBytes(length, lengthCheck(chain, length), payload, next.subarray(0, CHECK_LENGTH)),
    chain: next,
  };
};

/** Random access to a file of `size` bytes; never asked for bytes beyond it. */
interface JournalBytes {
  readonly size: number;
  readonly read: (at: number, length: number) => Uint8Array;
}

type ReadRecord =
  | {
      readonly type: "record";
      readonly payload: Uint8Array;
      readonly chain: Uint8Array;
      readonly end: number;
    }
  | { readonly type: "torn" }
  | { readonly type: "damaged"; readonly problem: string };

/** The record at `at`, which is below the file's size. */
export const readRecord = (
  file: JournalBytes,
  at: number,
  chain: Uint8Array,
  longest: number,
): ReadRecord => {
  if (file.size - at < HEAD_LENGTH) return { type: "torn" };
  const head = file.read(at, HEAD_LENGTH);
  const lengthBytes = head.subarray(0, 4);
  if (!equalBytes(head.subarray(4), lengthCheck(chain, lengthBytes)))
    return isZeroFrom(file, at) ? { type: "torn" } : { type: "damaged", problem: "a length was altered" };
  const length = new Reader(lengthBytes).uint(4);
  if (length > longest) return { type: "damaged", problem: `an entry is longer than ${longest} bytes` };
  const checkAt = at + HEAD_LENGTH + length;
  const end = checkAt + CHECK_LENGTH;
  if (end > file.size) return { type: "torn" };
  const payload = file.read(at + HEAD_LENGTH, length);
  const next = nextChain(chain, lengthBytes, payload);
  if (equalBytes(file.read(checkAt, CHECK_LENGTH), next.subarray(0, CHECK_LENGTH)))
    return { type: "record", payload, chain: next, end };
  return isZeroFrom(file, checkAt) ? { type: "torn" } : { type: "damaged", problem: "an entry was altered" };
};

const lengthCheck = (chain: Uint8Array, length: Uint8Array): Uint8Array =>
  sha256(chain, utf8("length"), length).subarray(0, 4);

const nextChain = (chain: Uint8Array, length: Uint8Array, payload: Uint8Array): Uint8Array =>
  sha256(chain, utf8("entry"), length, payload);

const PIECE = 64 * 1024;

const isZeroFrom = ({ size, read }: JournalBytes, from: number): boolean => {
  for (let at = from; at < size; at += PIECE)
    if (read(at, Math.min(PIECE, size - at)).some((byte) => byte !== 0)) return false;
  return true;
};
