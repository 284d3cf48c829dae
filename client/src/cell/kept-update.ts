/** The finished update of a round on the disk, sealed, so that a restarted cell masks it again instead of training again. */
import { concatBytes, type Secret } from "@bulkhead/base";
import { type LanguageSums, parameterCount } from "@bulkhead/finetune";
import type { Job } from "@bulkhead/protocol";
import { bytesToDoubles, doublesToBytes, floatsToBytes } from "./doubles.ts";
import { type RoundName, SealedFile } from "./sealed-file.ts";

/** What training gave. */
export interface TrainedUpdate {
  readonly update: Float32Array;
  /** Rows that were drawn, repetitions counted, and the sum of their losses. */
  readonly examples: number;
  readonly lossSum: number;
  /** How the round's model does on rows that are held out; zeros where the contract holds none out. */
  readonly heldOut: LanguageSums;
}

export const NOTHING_HELD_OUT: LanguageSums = { rows: 0, answers: 0, lossSum: 0, right: 0, exact: 0 };

const HEADER_LENGTH = 8 * 7;

export class KeptUpdate {
  readonly #file: SealedFile;
  readonly #job: Job;

  constructor(path: string, job: Job, siteSecret: Secret) {
    this.#file = new SealedFile(path, "bulkhead/1 kept update", { job, siteSecret });
    this.#job = job;
  }

  async keep(name: RoundName, { update, examples, lossSum, heldOut }: TrainedUpdate): Promise<void> {
    const { rows, answers, right, exact } = heldOut;
    const header = doublesToBytes([examples, lossSum, rows, answers, heldOut.lossSum, right, exact]);
    await this.#file.keep(name, concatBytes(header, floatsToBytes(update)));
  }

  /** `undefined` where there is none of this round and model, or the file is damaged: then it is trained again. */
  async find(name: RoundName): Promise<TrainedUpdate | undefined> {
    const count = parameterCount(this.#job.contract.tensors);
    const plain = await this.#file.find(name, HEADER_LENGTH + 4 * count);
    if (plain === undefined) return undefined;
    const [examples = 0, lossSum = 0, rows = 0, answers = 0, heldOutLoss = 0, right = 0, exact = 0] =
      bytesToDoubles(plain.subarray(0, HEADER_LENGTH));
    // A copy: the values need not stand at a multiple of four. It is shared with the ring engine's threads.
    const update = new Float32Array(new SharedArrayBuffer(4 * count));
    new Uint8Array(update.buffer).set(plain.subarray(HEADER_LENGTH));
    plain.fill(0);
    return { update, examples, lossSum, heldOut: { rows, answers, lossSum: heldOutLoss, right, exact } };
  }

  drop(): void {
    this.#file.drop();
  }
}
