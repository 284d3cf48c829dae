/**
 * Rows of what a coordinator does to the masked input of a round beside the ring engine's work: the records of the
 * secure link are opened, and their bytes hashed. n = 10, D = 10 M, one lost.
 */
import { Secret } from "@bulkhead/base";
import { Sha256 } from "@bulkhead/crypto";
import { REKEY_BYTES, RecordCipher } from "@bulkhead/transport";
import { bareKeystream } from "./bare-keystream.ts";
import { type Bench, rowOf } from "./paired.ts";

const CHUNK = 2 ** 20;
/** Of nine survivors with 20 MB each. */
const CHUNKS = 180;

const keyOf = (byte: number): Secret => new Secret(new Uint8Array(32).fill(byte));

const linkEncryption: Bench = {
  name: "link-encryption",
  run: () => {
    const chunk = new Uint8Array(CHUNK).fill(7);
    const sealing = new RecordCipher(keyOf(1), REKEY_BYTES);
    const opening = new RecordCipher(keyOf(1), REKEY_BYTES);
    return rowOf({
      name: "link-encryption",
      work: () => {
        for (let i = 0; i < CHUNKS; i++) opening.open(sealing.seal(chunk));
      },
      baseline: { name: "bare keystream of both sides", run: () => bareKeystream(2 * CHUNKS * CHUNK) },
      rate: { unit: "GB/s", units: (2 * CHUNKS * CHUNK) / 1e9, baselineUnits: (2 * CHUNKS * CHUNK) / 1e9 },
    });
  },
};

const digests: Bench = {
  name: "digests",
  run: () => {
    const input = new Uint8Array(CHUNKS * CHUNK).fill(7);
    const target = new Uint8Array(CHUNK);
    const chunks = Array.from({ length: CHUNKS }, (_, i) => input.subarray(i * CHUNK, (i + 1) * CHUNK));
    return rowOf({
      name: "digests",
      work: () => {
        const hash = new Sha256();
        for (const chunk of chunks) hash.update(chunk);
        hash.digest();
      },
      baseline: {
        name: "a copy of the input",
        run: () => {
          for (const chunk of chunks) target.set(chunk);
        },
      },
      rate: { unit: "GB/s", units: (CHUNKS * CHUNK) / 1e9, baselineUnits: (CHUNKS * CHUNK) / 1e9 },
    });
  },
};

export const linkBenches: readonly Bench[] = [linkEncryption, digests];
