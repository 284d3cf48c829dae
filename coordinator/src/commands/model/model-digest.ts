/** The digest by which a contract names a model. */
import fs from "node:fs";
import { languageModelDigest } from "@bulkhead/finetune";

export const digestOf = (place: string): Promise<Uint8Array> =>
  languageModelDigest(fs.statSync(place).isDirectory() ? { folder: place } : { file: place });
