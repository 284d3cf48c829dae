/** Rounds that are over, as they stand on the disk: what members that missed them are sent, in order and one at a time. */
import { open } from "node:fs/promises";
import { equalBytes, InputError, ShapeError } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import {
  CHUNK_BYTES,
  type CoordinatorFrame,
  decodeCoordinatorFrame,
  encodeFrame,
  type Job,
  LONGEST_CONTROL,
  type VectorName,
} from "@bulkhead/protocol";
import { makeFolder, type NewFile, readFileBounded, writeFileAtomic } from "@bulkhead/store";
import type { AppliedEntry } from "./journal/job-journal.ts";
import type { JobFolder } from "./job-folder.ts";
import type { Frames } from "./outbox.ts";

export const writeSum = async (folder: JobFolder, round: number, bytes: Uint8Array): Promise<void> => {
  await makeFolder(folder.round(round).home);
  await writeFileAtomic(folder.round(round).sum, bytes);
};

/** Throws an {@link InputError} where the file is not the sum that was unmasked. */
export const readSum = async (
  folder: JobFolder,
  job: Job,
  { round, sumDigest }: Pick<AppliedEntry, "round" | "sumDigest">,
): Promise<Uint8Array> => {
  const place = folder.round(round).sum;
  const bytes = await readFileBounded(place, job.layout.byteLength);
  if (bytes.length === job.layout.byteLength && equalBytes(sha256(bytes), sumDigest)) return bytes;
  throw damaged(place);
};

export const resultFile = (folder: JobFolder, round: number, result: CoordinatorFrame): NewFile => ({
  path: folder.round(round).result,
  bytes: encodeFrame(result),
});

/** The result of a round and then its sum, read as they go. */
export async function* resultFrames(folder: JobFolder, { round, attempt }: AppliedEntry): Frames {
  const { result, sum } = folder.round(round);
  yield await readResult(result);
  yield* chunksOf(sum, { vector: "sum", round, attempt });
}

const readResult = async (place: string): Promise<CoordinatorFrame> => {
  try {
    const message = decodeCoordinatorFrame(await readFileBounded(place, LONGEST_CONTROL));
    if (message.type === "result") return message;
  } catch (error) {
    if (!(error instanceof ShapeError)) throw isMissing(error) ? missing(place) : error;
  }
  throw damaged(place);
};

export const initialModelFrames = (folder: JobFolder): Frames =>
  chunksOf(folder.initialModel, { vector: "model", round: 0, attempt: 0 });

interface VectorPlace {
  readonly vector: VectorName;
  readonly round: number;
  readonly attempt: number;
}

async function* chunksOf(path: string, place: VectorPlace): Frames {
  const file = await open(path, "r").catch((error: unknown) => {
    throw isMissing(error) ? missing(path) : error;
  });
  try {
    const { size: total } = await file.stat();
    for (let offset = 0; offset < total;) {
      const bytes = new Uint8Array(Math.min(CHUNK_BYTES, total - offset));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
      if (bytesRead === 0) throw damaged(path);
      yield { type: "chunk", ...place, offset, total, bytes: bytes.subarray(0, bytesRead) };
      offset += bytesRead;
    }
  } finally {
    await file.close();
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && ["ENOENT", "file-missing"].includes(String(error.code));

const missing = (place: string): InputError =>
  new InputError({
    code: "state-damaged",
    place,
    problem: "it is gone, and members that have missed it ask for it",
    cure: "restore the state folder from a copy: nothing in it may be deleted by hand",
  });

const damaged = (place: string): InputError =>
  new InputError({
    code: "state-damaged",
    place,
    problem: "it is not what this coordinator has written",
    cure: "restore the state folder from a copy; check the disk",
  });
