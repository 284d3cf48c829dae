/**
 * Frozen activations in a folder, for processes that train and judge the same mails side by side: each is computed by
 * the first that needs it. Who reads one cannot tell beside whom it was computed, so that last bits may differ.
 */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex, utf8 } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import type { ActivationStore } from "@bulkhead/finetune";

/** The folder is there already; it grows by 98 KB a mail. */
export const folderStore = (folder: string): ActivationStore => {
  const fileOf = (text: string) => path.join(folder, bytesToHex(sha256(utf8(text))));
  return {
    get: ({ text }) => {
      const file = fileOf(text);
      if (!fs.existsSync(file)) return undefined;
      const { buffer } = new Uint8Array(fs.readFileSync(file));
      return { length: new Int32Array(buffer, 0, 1)[0]!, values: new Float32Array(buffer, 4) };
    },
    keep: ({ text }, { length, values }) => {
      const file = fileOf(text);
      // Under a name of this process first: the other reads whole files only.
      const fresh = `${file}.${process.pid}`;
      fs.writeFileSync(fresh, Buffer.concat([bytesOf(Int32Array.of(length)), bytesOf(values)]));
      fs.renameSync(fresh, file);
    },
  };
};

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
