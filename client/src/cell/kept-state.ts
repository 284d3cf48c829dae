/** Where the training of a long round stands, sealed on the disk, so that a restarted cell goes on from there. */
import { concatBytes, type Secret } from "@bulkhead/base";
import { parameterCount, type TrainState } from "@bulkhead/finetune";
import type { Contract, Job } from "@bulkhead/protocol";
import { bytesToDoubles, doublesToBytes, floatsToBytes } from "./doubles.ts";
import { type RoundName, SealedFile } from "./sealed-file.ts";

const HEADER_LENGTH = 8 * 2;

export class KeptState {
  readonly #file: SealedFile;
  readonly #job: Job;

  constructor(path: string, job: Job, siteSecret: Secret) {
    this.#file = new SealedFile(path, "bulkhead/1 kept state", { job, siteSecret });
    this.#job = job;
  }

  async keep(name: RoundName, { step, lossSum, parameters, moments }: TrainState): Promise<void> {
    const vectors = [parameters, ...moments].map(floatsToBytes);
    await this.#file.keep(name, concatBytes(doublesToBytes([step, lossSum]), ...vectors));
  }

  /** `undefined` where there is none of this round and model, or the file is damaged: then the round begins anew. */
  async find(name: RoundName): Promise<TrainState | undefined> {
    const { tensors, training } = this.#job.contract;
    const count = parameterCount(tensors);
    const vectors = 1 + momentsOf(training.optimiser);
    const plain = await this.#file.find(name, HEADER_LENGTH + 4 * count * vectors);
    if (plain === undefined) return undefined;
    const [step = 0, lossSum = 0] = bytesToDoubles(plain.subarray(0, HEADER_LENGTH));
    const all = new Float32Array(count * vectors);
    new Uint8Array(all.buffer).set(plain.subarray(HEADER_LENGTH));
    plain.fill(0);
    const [parameters, ...moments] = Array.from({ length: vectors }, (_, i) =>
      all.subarray(i * count, (i + 1) * count),
    );
    return { step, lossSum, parameters: parameters!, moments };
  }

  drop(): void {
    this.#file.drop();
  }
}

/** How many vectors the optimiser remembers after its first step. */
const momentsOf = (optimiser: Contract["training"]["optimiser"]): number =>
  optimiser.type === "adam" ? 2 : optimiser.momentum ? 1 : 0;
