/**
 * Frozen activations in a folder, for processes that train and judge the same rows side by side: each is computed by
 * the first that needs it. Who reads one cannot tell beside whom it was computed, so that last bits may differ.
 */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import type { ActivationStore, Named } from "@bulkhead/finetune";

/** The folder is there already. `contentOf` gives what a row consists of, whatever its name in this process. */
export const folderStore = <N extends Named>(
  folder: string,
  contentOf: (named: N) => Uint8Array,
): ActivationStore<N> => {
  const fileOf = (named: N) => path.join(folder, bytesToHex(sha256(contentOf(named))));
  return {
    get: (named) => {
      const file = fileOf(named);
      if (!fs.existsSync(file)) return undefined;
      const { buffer } = new Uint8Array(fs.readFileSync(file));
      return { length: new Int32Array(buffer, 0, 1)[0]!, values: new Float32Array(buffer, 4) };
    },
    keep: (named, { length, values }) => {
      const file = fileOf(named);
      // Under a name of this process first: the other reads whole files only.
      const fresh = `${file}.${process.pid}`;
      fs.writeFileSync(fresh, Buffer.concat([bytesOf(Int32Array.of(length)), bytesOf(values)]));
      fs.renameSync(fresh, file);
    },
  };
};

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
