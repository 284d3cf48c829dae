/** As `meet`, for very many inputs: to make one costs less than to decode it. */
import { SeededRandom } from "@bulkhead/simulation";
import fc from "fast-check";
import type { Decoder } from "./decoders.ts";

/** Cheap changes to bytes, for very many inputs: a bit, a byte, an end cut off or repeated, four bytes of ones. */
const CHANGES: readonly ((bytes: Uint8Array, at: number, value: number) => Uint8Array)[] = [
  (bytes, at, value) => edited(bytes, (copy) => (copy[at]! ^= 1 << (value & 7))),
  (bytes, at, value) => edited(bytes, (copy) => (copy[at] = value)),
  (bytes, at) => bytes.slice(0, at),
  (bytes, at) => bytes.slice(at),
  (bytes, at) => Uint8Array.from(Buffer.concat([bytes, bytes.subarray(at)])),
  (bytes, at, value) =>
    Uint8Array.from(Buffer.concat([bytes.subarray(0, at), Uint8Array.of(value), bytes.subarray(at)])),
  (bytes, at) => edited(bytes, (copy) => copy.fill(0xff, at, at + 4)),
];

const edited = (bytes: Uint8Array, edit: (copy: Uint8Array) => unknown): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  edit(copy);
  return copy;
};

const SEEDS = 2000;

/** So many inputs: each is one of two thousand that the decoder names, changed in up to three places. */
export function* inputsOf({ name, input }: Pick<Decoder, "name" | "input">, inputs: number) {
  const seeds = fc.sample(input, { numRuns: SEEDS, seed: 1 });
  const words = new Uint32Array(new SeededRandom(`fuzz/${name}`).bytes(4 * 7 * inputs).buffer);
  for (let i = 0; i < inputs; i++) {
    let bytes = seeds[i % seeds.length]!;
    const word = (k: number): number => words[7 * i + k]!;
    for (let change = 0; change < word(0) % 4 && bytes.length > 0; change++)
      bytes = CHANGES[word(2 * change + 1) % CHANGES.length]!(
        bytes,
        word(2 * change + 2) % bytes.length,
        word(2 * change + 1) >>> 24,
      );
    yield bytes;
  }
}

/** Lets a decoder meet so many inputs. */
export const meetMany = (decoder: Decoder, inputs: number): void => {
  let taken = 0;
  for (const bytes of inputsOf(decoder, inputs)) if (decoder.takes(bytes)) taken++;
  if (taken === 0 || taken === inputs) throw new Error(`${decoder.name} took ${taken} of ${inputs} inputs`);
};
