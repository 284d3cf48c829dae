/**
 * Masked uploads on their way: one file for each member of an attempt, in order, never longer than the contract's
 * vector. They run side by side; memory does not grow with their number or length.
 */
import fs from "node:fs";
import path from "node:path";
import { equalBytes } from "@bulkhead/base";
import { Sha256 } from "@bulkhead/crypto";
import { type Chunk, CHUNK_BYTES, type UploadOutcome } from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import { FolderNames, type GrowingFile, makeFolder, openGrowingFile } from "@bulkhead/store";

export interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Claim {
  readonly digest: Uint8Array;
  readonly byteLength: number;
}

interface Upload {
  readonly file: GrowingFile;
  readonly hash: Sha256;
  /** Once the upload is whole. */
  digest: Uint8Array | undefined;
}

/** Opens the spool of one attempt, with what an earlier process has received of it. */
export const openSpool = async (folder: string, byteLength: number): Promise<Spool> => {
  await makeFolder(folder);
  return new Spool(folder, byteLength);
};

export class Spool {
  readonly #folder: string;
  readonly #names: FolderNames;
  readonly #byteLength: number;
  readonly #uploads = new Map<MemberId, Upload>();

  constructor(folder: string, byteLength: number) {
    this.#folder = folder;
    this.#names = new FolderNames(folder);
    this.#byteLength = byteLength;
  }

  /** How much of a member's vector is here, in bytes. */
  received(from: MemberId): number {
    return this.#upload(from).file.length;
  }

  /** Takes the part of a chunk that continues the upload; what was here already or leaves a gap is dropped. */
  take(from: MemberId, { offset, bytes }: Pick<Chunk, "offset" | "bytes">): void {
    const { file, hash } = this.#upload(from);
    if (offset > file.length) return;
    const next = bytes.subarray(file.length - offset, this.#byteLength - offset);
    file.append(next);
    hash.update(next);
  }

  /** Holds an upload against its trailer; when it matches, it is on the disk. One with another digest begins again. */
  check(from: MemberId, { digest, byteLength }: Claim): UploadOutcome {
    const upload = this.#upload(from);
    const { file } = upload;
    if (file.length === 0) return "missing";
    if (file.length !== byteLength || byteLength !== this.#byteLength) return "length";
    upload.digest ??= upload.hash.digest();
    if (equalBytes(upload.digest, digest)) {
      file.keep();
      return "added";
    }
    file.clear();
    this.#uploads.set(from, { file, hash: new Sha256(), digest: undefined });
    return "digest";
  }

  /** The whole upload in pieces of whole lanes. */
  *pieces(from: MemberId): Generator<Piece> {
    const { file } = this.#upload(from);
    for (let offset = 0; offset < file.length; offset += CHUNK_BYTES)
      yield { offset, bytes: file.read(offset, CHUNK_BYTES) };
  }

  fileOf(from: MemberId): string {
    return path.join(this.#folder, String(from));
  }

  close(): void {
    for (const { file } of this.#uploads.values()) file.close();
    this.#uploads.clear();
  }

  /** The attempt is over: nothing of it is needed again. */
  remove(): void {
    this.close();
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }

  #upload(from: MemberId): Upload {
    const known = this.#uploads.get(from);
    if (known !== undefined) return known;
    const file = openGrowingFile(this.fileOf(from), this.#names);
    const upload = { file, hash: hashOf(file), digest: undefined };
    this.#uploads.set(from, upload);
    return upload;
  }
}

const hashOf = (file: GrowingFile): Sha256 => {
  const hash = new Sha256();
  for (let offset = 0; offset < file.length; offset += CHUNK_BYTES)
    hash.update(file.read(offset, CHUNK_BYTES));
  return hash;
};
