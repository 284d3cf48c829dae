/**
 * A file of this site's own that belongs to one round and model, sealed under a key from the site's secret: no file of
 * this site holds an unmasked update, or the way to one, that another could read.
 */
import fs from "node:fs";
import { concatBytes, encodeFields, type Secret, u32 } from "@bulkhead/base";
import { deriveSecret, open, randomBytes, seal } from "@bulkhead/crypto";
import type { Job } from "@bulkhead/protocol";
import { readFileBounded, writeFileAtomic } from "@bulkhead/store";

/** What a file belongs to; another round or model never finds it. */
export interface RoundName {
  readonly round: number;
  readonly modelHash: Uint8Array;
}

const SALT_LENGTH = 32;
const TAG_LENGTH = 16;
/** Each file has a key of its own. */
const NONCE: Uint8Array = new Uint8Array(12);
const NO_DATA: Uint8Array = new Uint8Array(0);

interface Owner {
  readonly job: Pick<Job, "contractHash">;
  readonly siteSecret: Secret;
}

export class SealedFile {
  readonly #path: string;
  /** Tells files of one round apart. */
  readonly #label: string;
  readonly #owner: Owner;

  constructor(path: string, label: string, owner: Owner) {
    this.#path = path;
    this.#label = label;
    this.#owner = owner;
  }

  /** Wipes what it is given. */
  async keep(name: RoundName, plain: Uint8Array): Promise<void> {
    const salt = randomBytes(SALT_LENGTH);
    const key = this.#key(name, salt);
    const sealed = seal(key, NONCE, plain, NO_DATA);
    key.wipe();
    plain.fill(0);
    await writeFileAtomic(this.#path, concatBytes(salt, sealed));
  }

  /** `undefined` where there is none of this round, model and length, or the file is damaged. The caller wipes it. */
  async find(name: RoundName, plainLength: number): Promise<Uint8Array | undefined> {
    const length = SALT_LENGTH + plainLength + TAG_LENGTH;
    if (fs.statSync(this.#path, { throwIfNoEntry: false })?.size !== length) return undefined;
    const file = await readFileBounded(this.#path, length);
    const key = this.#key(name, file.subarray(0, SALT_LENGTH));
    const plain = open(key, NONCE, file.subarray(SALT_LENGTH), NO_DATA);
    key.wipe();
    return plain;
  }

  drop(): void {
    fs.rmSync(this.#path, { force: true });
  }

  #key({ round, modelHash }: RoundName, salt: Uint8Array): Secret {
    const { job, siteSecret } = this.#owner;
    const info = encodeFields(this.#label, job.contractHash, u32.write(round), modelHash);
    return deriveSecret({ secret: siteSecret, salt, info });
  }
}
