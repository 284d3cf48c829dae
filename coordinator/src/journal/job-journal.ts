/**
 * What the coordinator must never forget, in two kinds of journal: one of the job, of attempts opened and ended and
 * rounds applied, and one of each attempt, of the events that moved its machine. State is a fold over the two.
 */
import {
  type Canonical,
  concatBytes,
  decodeCanonical,
  encodeCanonical,
  rawBytes,
  ShapeError,
  u16,
  u32,
  u8,
  varBytes,
  varText,
} from "@bulkhead/base";
import { hashFields } from "@bulkhead/crypto";
import { type AttemptName, type CoordinatorEvent, coordinatorEventCodec } from "@bulkhead/protocol";
import { MAX_MEMBERS, memberId, type MemberId } from "@bulkhead/secagg";
import { type Journal, openJournal } from "@bulkhead/store";

/** Who was not waited for, and who was left out as the dealer of a bad share. */
export interface OpenedEntry extends AttemptName {
  readonly type: "opened";
  readonly modelHash: Uint8Array;
  readonly gone: readonly MemberId[];
  readonly leftOut: readonly MemberId[];
}

export interface VoidEntry extends AttemptName {
  readonly type: "void";
  /** A stable code and one sentence with its facts. */
  readonly code: string;
  readonly words: string;
  /** Whether a survivor may have signed, so that no other attempt of the round can succeed. */
  readonly isFinal: boolean;
  /** Whether the attempt got as far as masked inputs: the contract bounds how often they may leave a site. */
  readonly hadInputs: boolean;
  /** Dealers whom a holder has named. */
  readonly complaints: readonly MemberId[];
}

export interface AppliedEntry extends AttemptName {
  readonly type: "applied";
  readonly survivors: readonly MemberId[];
  readonly modelHash: Uint8Array;
  readonly sumDigest: Uint8Array;
}

export type JobEntry = OpenedEntry | VoidEntry | AppliedEntry;

const hash = rawBytes(32);
const bytesOfMembers = varBytes(MAX_MEMBERS);
const code = varText(64);
const words = varText(1000);

const members: Canonical<readonly MemberId[]> = {
  write: (ids) => bytesOfMembers.write(Uint8Array.from(ids)),
  read: (from) => [...bytesOfMembers.read(from)].map((byte) => memberId(byte, "members")),
};

const flag: Canonical<boolean> = {
  write: (value) => u8.write(value ? 1 : 0),
  read: (from) => {
    const value = u8.read(from);
    if (value > 1) throw new ShapeError("flag", "0 or 1");
    return value === 1;
  },
};

const KINDS = { opened: 1, void: 2, applied: 3 } as const;

export const jobEntryCodec: Canonical<JobEntry> = {
  write: (entry) => {
    const head = concatBytes(u8.write(KINDS[entry.type]), u32.write(entry.round), u16.write(entry.attempt));
    switch (entry.type) {
      case "opened":
        return concatBytes(
          head,
          hash.write(entry.modelHash),
          members.write(entry.gone),
          members.write(entry.leftOut),
        );
      case "void":
        return concatBytes(
          head,
          code.write(entry.code),
          words.write(entry.words),
          flag.write(entry.isFinal),
          flag.write(entry.hadInputs),
          members.write(entry.complaints),
        );
      case "applied":
        return concatBytes(
          head,
          members.write(entry.survivors),
          hash.write(entry.modelHash),
          hash.write(entry.sumDigest),
        );
    }
  },
  read: (from) => {
    const kind = u8.read(from);
    const name = { round: u32.read(from), attempt: u16.read(from) };
    switch (kind) {
      case KINDS.opened:
        return {
          type: "opened",
          ...name,
          modelHash: hash.read(from),
          gone: members.read(from),
          leftOut: members.read(from),
        };
      case KINDS.void:
        return {
          type: "void",
          ...name,
          code: code.read(from),
          words: words.read(from),
          isFinal: flag.read(from),
          hadInputs: flag.read(from),
          complaints: members.read(from),
        };
      case KINDS.applied:
        return {
          type: "applied",
          ...name,
          survivors: members.read(from),
          modelHash: hash.read(from),
          sumDigest: hash.read(from),
        };
      default:
        throw new ShapeError("entry", "a known kind of entry");
    }
  },
};

const codecOf = <T>(codec: Canonical<T>) => ({
  encode: (value: T) => encodeCanonical(codec, value),
  decode: (bytes: Uint8Array) => decodeCanonical(codec, bytes),
});

export const openJobJournal = (path: string, contractHash: Uint8Array): Promise<Journal<JobEntry>> =>
  openJournal(path, codecOf(jobEntryCodec), { binding: contractHash });

/** `create` is false where the attempt was opened before: without its events it must not go on. */
export const openAttemptJournal = (
  path: string,
  contractHash: Uint8Array,
  { round, attempt }: AttemptName,
  create: boolean,
): Promise<Journal<CoordinatorEvent>> =>
  openJournal(path, codecOf(coordinatorEventCodec), {
    binding: hashFields("bulkhead/1 attempt journal", contractHash, u32.write(round), u16.write(attempt)),
    create,
  });
