/** The key-value pairs of a GGUF file, read whole and without suspicion. */
import fs from "node:fs";

const SCALARS: readonly ((view: Buffer, at: number) => readonly [value: unknown, size: number])[] = [
  (view, at) => [view.readUInt8(at), 1],
  (view, at) => [view.readInt8(at), 1],
  (view, at) => [view.readUInt16LE(at), 2],
  (view, at) => [view.readInt16LE(at), 2],
  (view, at) => [view.readUInt32LE(at), 4],
  (view, at) => [view.readInt32LE(at), 4],
  (view, at) => [view.readFloatLE(at), 4],
  (view, at) => [view.readUInt8(at) !== 0, 1],
];
const TEXT = 8;
const LIST = 9;

export const readGgufMetadata = (file: string): ReadonlyMap<string, unknown> => {
  const view = fs.readFileSync(file);
  const count = Number(view.readBigUInt64LE(16));
  let at = 24;
  const length = () => Number(view.readBigUInt64LE((at += 8) - 8));
  const text = () => {
    const size = length();
    return view.toString("utf8", at, (at += size));
  };
  const value = (type: number): unknown => {
    if (type === TEXT) return text();
    if (type === LIST) {
      const item = view.readUInt32LE((at += 4) - 4);
      return Array.from({ length: length() }, () => value(item));
    }
    const [scalar, size] = SCALARS[type]!(view, at);
    at += size;
    return scalar;
  };
  return new Map(
    Array.from({ length: count }, () => [text(), value(view.readUInt32LE((at += 4) - 4))] as const),
  );
};
