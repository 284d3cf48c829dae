/** A parcel at the party that sends it: its files are hashed once, and any chunk can be asked for with its proof. */
import fs from "node:fs";
import { basename, join } from "node:path";
import { InputError } from "@bulkhead/base";
import { merkleLeaf, treeOfHashes } from "@bulkhead/crypto";
import { onDisk } from "../disk-error.ts";
import {
  type Chunk,
  leafCount,
  listBytes,
  type ParcelFile,
  type ParcelName,
  chunkPlace,
} from "./parcel-list.ts";

export interface ParcelSource {
  readonly name: ParcelName;
  readonly files: readonly ParcelFile[];
  /**
   * Throws an {@link InputError} (`artefact-damaged`) where the file has changed since: what is not the parcel any more
   * is not sent.
   */
  readonly chunk: (index: number) => Chunk;
}

/** Of one file, or of these files of a folder. Reads all of them, a chunk at a time. Throws an {@link InputError}. */
export const openParcelSource = (place: string, names?: readonly string[]): ParcelSource => {
  const [folder, wanted] = names === undefined ? [join(place, ".."), [basename(place)]] : [place, names];
  const files = wanted.toSorted().map((name) => ({ name, size: sizeOf(join(folder, name)) }));
  const read = (leaf: number): Uint8Array => {
    if (leaf === 0) return listBytes(files);
    const { file, at, length } = chunkPlace(files, leaf);
    return readAt(join(folder, files[file]!.name), at, length);
  };
  const hashes = Array.from({ length: leafCount(files) }, (_, leaf) => merkleLeaf(read(leaf)));
  const tree = treeOfHashes(hashes);
  return {
    name: { root: tree.root, leaves: hashes.length },
    files,
    chunk: (index) => {
      const bytes = read(index);
      if (Buffer.compare(merkleLeaf(bytes), hashes[index]!) !== 0) throw changed(place);
      return { index, bytes, path: tree.path(index) };
    },
  };
};

const sizeOf = (file: string): number =>
  onDisk("read", file, () => {
    const state = fs.statSync(file);
    if (state.isFile()) return state.size;
    throw new InputError({
      code: "path-wrong",
      place: file,
      problem: "it is not a file",
      cure: "name a file, or a folder of files",
    });
  });

const readAt = (file: string, at: number, length: number): Uint8Array =>
  onDisk("read", file, () => {
    const descriptor = fs.openSync(file, "r");
    try {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const read = fs.readSync(descriptor, bytes, done, length - done, at + done);
        if (read === 0) throw changed(file);
        done += read;
      }
      return bytes;
    } finally {
      fs.closeSync(descriptor);
    }
  });

const changed = (place: string): InputError =>
  new InputError({
    code: "artefact-damaged",
    place,
    problem: "it has changed since it was hashed",
    cure: "put the file back that the contract names, and start again",
  });
