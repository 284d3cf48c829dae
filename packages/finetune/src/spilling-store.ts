/** Activations in memory up to a bound, and then in a file that has no name: nothing of it is left when the process ends. */
import fs from "node:fs";
import path from "node:path";
import { type ActivationStore, memoryStore, type Named } from "./prefix-cache.ts";

/** Plain data. */
export interface Spill {
  /** Where the file is made. What is in it tells as much as the rows do: the folder must be as well kept as they are. */
  readonly folder: string;
  readonly mostBytes: number;
}

export interface SpillingStore extends ActivationStore<Named> {
  readonly close: () => void;
}

interface Place {
  readonly at: number;
  readonly length: number;
  readonly values: number;
}

const NAME = "activations.spill";

/** Where the disk is full or cannot be written it keeps no more, and says nothing: what is missing is computed again. */
export const spillingStore = (memoryBytes: number, { folder, mostBytes }: Spill): SpillingStore => {
  const memory = memoryStore(memoryBytes);
  const places = new Map<string, Place>();
  let file: number | undefined;
  let [end, isFull] = [0, false];
  const write = (values: Float32Array): boolean => {
    try {
      file ??= namelessFile(folder);
      const bytes = bytesOf(values);
      let written = 0;
      while (written < bytes.length)
        written += fs.writeSync(file, bytes, written, bytes.length - written, end + written);
      return true;
    } catch {
      return false;
    }
  };
  return {
    get: (named) => {
      const kept = memory.get(named);
      const place = places.get(named.name);
      if (kept !== undefined || place === undefined || file === undefined) return kept;
      const values = new Float32Array(place.values);
      return isRead(file, bytesOf(values), place.at) ? { values, length: place.length } : undefined;
    },
    keep: (named, { values, length }) => {
      memory.keep(named, { values, length });
      const isThere = memory.get(named) !== undefined || places.has(named.name);
      if (isThere || isFull || end + values.byteLength > mostBytes) return;
      if (!write(values)) {
        isFull = true;
        return;
      }
      places.set(named.name, { at: end, length, values: values.length });
      end += values.byteLength;
    },
    close: () => {
      if (file !== undefined) fs.closeSync(file);
      file = undefined;
      places.clear();
    },
  };
};

/** The name is taken away at once; the file lives as long as it is open. */
const namelessFile = (folder: string): number => {
  const place = path.join(folder, NAME);
  fs.rmSync(place, { force: true });
  const file = fs.openSync(place, "wx+", 0o600);
  fs.rmSync(place);
  return file;
};

const isRead = (file: number, bytes: Uint8Array, at: number): boolean => {
  let read = 0;
  while (read < bytes.length) {
    const count = fs.readSync(file, bytes, read, bytes.length - read, at + read);
    if (count === 0) return false;
    read += count;
  }
  return true;
};

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
