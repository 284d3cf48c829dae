/**
 * The finished update of a round on the disk, so that a restarted cell masks it again instead of training again. It is
 * sealed under a key from the site's secret: no file of this site holds an unmasked update that another could read.
 */
import fs from "node:fs";
import { concatBytes, encodeFields, Reader, type Secret, u32, u64 } from "@bulkhead/base";
import { deriveSecret, open, randomBytes, seal } from "@bulkhead/crypto";
import { parameterCount } from "@bulkhead/finetune";
import type { Job } from "@bulkhead/protocol";
import { readFileBounded, writeFileAtomic } from "@bulkhead/store";

/** What training gave. */
export interface TrainedUpdate {
  readonly update: Float32Array;
  /** Rows that were drawn, repetitions counted, and the sum of their losses. */
  readonly examples: number;
  readonly lossSum: number;
}

/** What an update belongs to; another round or model never finds it. */
interface UpdateName {
  readonly round: number;
  readonly modelHash: Uint8Array;
}

const SALT_LENGTH = 32;
const HEADER_LENGTH = 16;
const TAG_LENGTH = 16;
/** Each file has a key of its own. */
const NONCE: Uint8Array = new Uint8Array(12);
const NO_DATA: Uint8Array = new Uint8Array(0);

export class KeptUpdate {
  readonly #path: string;
  readonly #job: Job;
  readonly #siteSecret: Secret;

  constructor(path: string, job: Job, siteSecret: Secret) {
    this.#path = path;
    this.#job = job;
    this.#siteSecret = siteSecret;
  }

  async keep(name: UpdateName, { update, examples, lossSum }: TrainedUpdate): Promise<void> {
    const salt = randomBytes(SALT_LENGTH);
    const key = this.#key(name, salt);
    const plain = concatBytes(u64.write(examples), doubleToBytes(lossSum), bytesOf(update));
    const sealed = seal(key, NONCE, plain, NO_DATA);
    key.wipe();
    plain.fill(0);
    await writeFileAtomic(this.#path, concatBytes(salt, sealed));
  }

  /** `undefined` where there is none of this round and model, or the file is damaged: then it is trained again. */
  async find(name: UpdateName): Promise<TrainedUpdate | undefined> {
    const count = parameterCount(this.#job.contract.tensors);
    const length = SALT_LENGTH + HEADER_LENGTH + 4 * count + TAG_LENGTH;
    if (fs.statSync(this.#path, { throwIfNoEntry: false })?.size !== length) return undefined;
    const file = await readFileBounded(this.#path, length);
    const key = this.#key(name, file.subarray(0, SALT_LENGTH));
    const plain = open(key, NONCE, file.subarray(SALT_LENGTH), NO_DATA);
    key.wipe();
    if (plain === undefined) return undefined;
    const header = new Reader(plain.subarray(0, HEADER_LENGTH));
    const [examples, lossSum] = [header.uint(8), bytesToDouble(header.take(8))];
    // A copy: the values need not stand at a multiple of four. It is shared with the ring engine's threads.
    const update = new Float32Array(new SharedArrayBuffer(4 * count));
    new Uint8Array(update.buffer).set(plain.subarray(HEADER_LENGTH));
    plain.fill(0);
    return { update, examples, lossSum };
  }

  drop(): void {
    fs.rmSync(this.#path, { force: true });
  }

  #key({ round, modelHash }: UpdateName, salt: Uint8Array): Secret {
    const info = encodeFields("bulkhead/1 kept update", this.#job.contractHash, u32.write(round), modelHash);
    return deriveSecret({ secret: this.#siteSecret, salt, info });
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

const doubleToBytes = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
};

const bytesToDouble = (bytes: Uint8Array): number => new DataView(bytes.buffer).getFloat64(0);
