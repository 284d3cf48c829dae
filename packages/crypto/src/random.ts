/** Randomness of the operating system: the only source of keys and seeds. */
import { randomFillSync } from "node:crypto";
import { Secret } from "@bulkhead/base";

export const randomBytes = (length: number): Uint8Array => randomFillSync(new Uint8Array(length));

export const randomSecret = (length: number): Secret => new Secret(randomBytes(length));
