/** The model after each round on the disk: canonical bytes, the last two. */
import fs from "node:fs";
import path from "node:path";
import { equalBytes, InputError } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import { fieldBytes, type Job } from "@bulkhead/protocol";
import { type Model, readModel } from "@bulkhead/party";
import { readFileBounded, writeFileAtomic } from "@bulkhead/store";
import type { Progress } from "./progress.ts";

/** A model and how many rounds are in it. */
export interface ModelAt {
  readonly round: number;
  readonly model: Model;
}

const KEPT = 2;
const LONGEST_MODEL = 2 ** 31 - 1;
const NAME = /^round-(\d+)\.safetensors$/u;

export class Models {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async save({ round, model }: ModelAt): Promise<void> {
    await writeFileAtomic(this.#path(round), model.bytes);
    for (const old of this.#rounds()) if (old <= round - KEPT) fs.rmSync(this.#path(old), { force: true });
  }

  /**
   * The newest model that is whole and the one of the journal. Where the latest is lost, the sums of the rounds after
   * it are applied once more; where all are, the coordinator has the first one and every sum. Throws an
   * {@link InputError} where the folder is ahead of the journal, which then is an old copy.
   */
  async newest(job: Job, progress: Progress): Promise<ModelAt | undefined> {
    const last = progress.applied.length;
    const rounds = this.#rounds();
    // A crash may come between a model and its entry: one ahead is no wonder.
    if (rounds.some((round) => round > last + 1)) throw rolledBack(this.#folder, last);
    for (const round of rounds.filter((each) => each <= last).sort((a, b) => b - a)) {
      const model = await this.#read(job, progress, round);
      if (model !== undefined) return { round, model };
    }
    return undefined;
  }

  async #read(job: Job, { applied }: Progress, round: number): Promise<Model | undefined> {
    const bytes = await readFileBounded(this.#path(round), LONGEST_MODEL);
    const model = readModel(job, bytes);
    if (model === undefined) return undefined;
    const isOwn =
      round === 0
        ? equalBytes(sha256(bytes), fieldBytes(job.contract.initial.digest))
        : equalBytes(model.hash, applied[round - 1]!);
    return isOwn ? model : undefined;
  }

  #rounds(): readonly number[] {
    return fs.readdirSync(this.#folder).flatMap((name) => {
      const round = NAME.exec(name)?.[1];
      return round === undefined ? [] : [Number(round)];
    });
  }

  #path(round: number): string {
    return path.join(this.#folder, `round-${round}.safetensors`);
  }
}

const rolledBack = (place: string, last: number): InputError =>
  new InputError({
    code: "contract-journal-rolled-back",
    place,
    problem: `the journal ends with round ${last}, and models of later rounds are here`,
    cure: "restore the journal of the same time; an old copy would let this site sign a round twice",
  });
