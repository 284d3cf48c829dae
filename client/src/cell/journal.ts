/**
 * What this site must never forget under a contract: which attempts it entered, which survivors it signed, that it
 * released shares, what has left it, and which model each round gave. Counters and digests; no secret, no row.
 */
import fs from "node:fs";
import {
  type Canonical,
  concatBytes,
  decodeCanonical,
  encodeCanonical,
  InputError,
  rawBytes,
  ShapeError,
  u16,
  u32,
  u64,
  u8,
} from "@bulkhead/base";
import { type AttemptName, type ClientEntry, clientEntryCodec, type Job } from "@bulkhead/protocol";
import { type Journal, makeFolder, openJournal } from "@bulkhead/store";
import type { JobFolder } from "./job-folder.ts";

/** Written before the first byte of a masked update is made: an update that may have left counts as one that has. */
interface MaskedEntry extends AttemptName {
  readonly type: "masked";
  readonly bytes: number;
}

/** Written when the round's model is on the disk. */
export interface AppliedEntry {
  readonly type: "applied";
  readonly round: number;
  readonly modelHash: Uint8Array;
}

export type CellEntry = ClientEntry | MaskedEntry | AppliedEntry;

const hash = rawBytes(32);
const KINDS = { protocol: 1, masked: 2, applied: 3 } as const;

export const cellEntryCodec: Canonical<CellEntry> = {
  write: (entry) => {
    switch (entry.type) {
      case "masked": {
        const { round, attempt, bytes } = entry;
        return concatBytes(u8.write(KINDS.masked), u32.write(round), u16.write(attempt), u64.write(bytes));
      }
      case "applied":
        return concatBytes(u8.write(KINDS.applied), u32.write(entry.round), hash.write(entry.modelHash));
      case "joined":
      case "signed":
      case "revealed":
        return concatBytes(u8.write(KINDS.protocol), clientEntryCodec.write(entry));
    }
  },
  read: (from) => {
    switch (u8.read(from)) {
      case KINDS.protocol:
        return clientEntryCodec.read(from);
      case KINDS.masked:
        return { type: "masked", round: u32.read(from), attempt: u16.read(from), bytes: u64.read(from) };
      case KINDS.applied:
        return { type: "applied", round: u32.read(from), modelHash: hash.read(from) };
      default:
        throw new ShapeError("entry", "a known kind of entry");
    }
  },
};

/**
 * Throws an {@link InputError} `contract-journal-missing` where this identity has taken part before and the journal is
 * gone: without it the site could sign two sets of survivors, and the difference of two sums be one member's update.
 */
export const openCellJournal = async (
  { home, journal }: Pick<JobFolder, "home" | "journal">,
  { contractHash }: Pick<Job, "contractHash">,
  isUsed: boolean,
): Promise<Journal<CellEntry>> => {
  if (isUsed && !fs.existsSync(journal)) throw missing(journal);
  await makeFolder(home);
  return openJournal(
    journal,
    {
      encode: (entry: CellEntry) => encodeCanonical(cellEntryCodec, entry),
      decode: (bytes) => decodeCanonical(cellEntryCodec, bytes),
    },
    { binding: contractHash },
  );
};

const missing = (place: string): InputError =>
  new InputError({
    code: "contract-journal-missing",
    place,
    problem: "this identity has taken part under the contract before, and its journal is not here",
    cure: "use the state folder of that time; if it is lost, this contract cannot be gone on with here",
  });
