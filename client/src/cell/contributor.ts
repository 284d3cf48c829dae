/** What this site gives to one round: the update, trained once or found on the disk, and its masked vector. */
import { InputError, type InputProblem, invariant } from "@bulkhead/base";
import { l2Norm, type RingVector } from "@bulkhead/compute";
import { sha256 } from "@bulkhead/crypto";
import type { LanguageSums, TrainFailure, TrainJob } from "@bulkhead/finetune";
import {
  type AttemptName,
  CHUNK_BYTES,
  type Chunk,
  type ClientEffect,
  type ClientEvent,
} from "@bulkhead/protocol";
import type { News } from "../news.ts";
import { budgetProblem } from "./budget.ts";
import { contributionOf } from "./contribution.ts";
import { NOTHING_HELD_OUT, type TrainedUpdate } from "./kept-update.ts";
import type { ModelAt } from "./models.ts";
import type { Site } from "./open-site.ts";
import type { RoundName } from "./sealed-file.ts";
import { roundingSeed, shuffleSeed } from "./seeds.ts";
import { StateKeeper } from "./state-keeper.ts";
import { trainJobOf } from "./train-job.ts";
import { problemOfError, trainProblem } from "./train-problem.ts";

export interface ContributorTools {
  readonly site: Site;
  readonly tell: (news: News) => void;
  readonly report: (problem: InputProblem) => void;
  /** For a file on this machine: what an error says may repeat a row, and never becomes news. */
  readonly log: (error: unknown) => void;
}

const TELL_EVERY_MS = 100;

type Mask = Extract<ClientEffect, { readonly type: "mask" }>;

export class Contributor {
  readonly #tools: ContributorTools;
  readonly #before: ModelAt;
  #trained: TrainedUpdate | undefined;
  #vector: RingVector | undefined;
  /** Counts attempts that were dropped: what was begun for one of them is of no use any more. */
  #dropped = 0;
  #isClosed = false;

  constructor(tools: ContributorTools, before: ModelAt) {
    this.#tools = tools;
    this.#before = before;
  }

  get #round(): number {
    return this.#before.round + 1;
  }

  /** Gives the event that answers the machine. Whatever goes wrong here is told on this machine, and only a code leaves. */
  async train(): Promise<ClientEvent> {
    const { site, tell } = this.#tools;
    const problem = this.#budgetProblem();
    if (problem !== undefined) return { type: "refused", reason: problem };
    const name = { round: this.#round, modelHash: this.#before.model.hash };
    const kept = await site.keptUpdate.find(name);
    const trained = kept ?? (await this.#trainAnew(name));
    if (trained === undefined) return { type: "failed", code: "training-failed" };
    if (this.#isClosed) {
      trained.update.fill(0);
      return { type: "trained" };
    }
    if (kept === undefined) await site.keptUpdate.keep(name, trained);
    site.keptState.drop();
    this.#trained = trained;
    const { examples, lossSum } = trained;
    const loss = examples > 0 ? { loss: lossSum / examples } : {};
    tell({ type: "trained", round: this.#round, examples, ...loss, kept: kept !== undefined });
    return { type: "trained" };
  }

  /** The work of masking, for when its turn comes; it gives `undefined` where the attempt was dropped before its end. */
  masking(effect: Mask): () => Promise<ClientEvent | undefined> {
    const dropped = this.#dropped;
    return () => this.#mask(effect, () => dropped !== this.#dropped);
  }

  /**
   * The masked vector from the chunk with this byte on: a chunk that is sent again is the same one. It ends early, or
   * before it has begun, when the attempt is dropped.
   */
  chunks(place: AttemptName & { readonly from: number }): Iterable<Chunk> {
    const vector = this.#vector;
    invariant(vector !== undefined, "an upload follows a masked vector");
    return this.#chunksOf(vector, place);
  }

  *#chunksOf(
    vector: RingVector,
    { round, attempt, from }: AttemptName & { readonly from: number },
  ): Generator<Chunk> {
    const total = vector.bytes.length;
    const first = from - (from % CHUNK_BYTES);
    for (let offset = first; offset < total && vector === this.#vector; offset += CHUNK_BYTES) {
      // A copy: the vector's memory is shared with the engine's threads.
      const bytes = Uint8Array.from(vector.bytes.subarray(offset, offset + CHUNK_BYTES));
      yield { type: "chunk", vector: "masked-input", round, attempt, offset, total, bytes };
    }
  }

  dropVector(): void {
    this.#dropped += 1;
    this.#vector?.bytes.fill(0);
    this.#vector = undefined;
  }

  /** The round is over; what is still under way leaves nothing behind. */
  close(): void {
    this.#isClosed = true;
    this.dropVector();
    this.#trained?.update.fill(0);
    this.#trained = undefined;
  }

  #budgetProblem() {
    const { job, settings, memory } = this.#tools.site;
    return budgetProblem(job, settings.policy, memory.progress.spent, this.#round);
  }

  /** `undefined` where training gave nothing usable, which has been said. */
  async #trainAnew(name: RoundName): Promise<TrainedUpdate | undefined> {
    const { site, report, log } = this.#tools;
    const seed = shuffleSeed(site.identity.siteSecret, site.job);
    const keeper = new StateKeeper(site.keptState, name, report);
    try {
      const heldOut = await this.#judge();
      const job = await this.#trainJob(seed.reveal(), name);
      const outcome = await site.training.train(job, this.#onStep(job.localSteps), keeper.take);
      if (outcome.type === "trained" && isUsable(outcome)) return { ...outcome, heldOut };
      report(trainProblem(outcome.type === "failed" ? outcome : NOT_FINITE, site));
    } catch (error) {
      // A trainer that was closed in the middle of its work says so; nobody waits for that work any more.
      if (this.#isClosed) return undefined;
      log(error);
      report(problemOfError(error, site));
    } finally {
      seed.wipe();
      await keeper.idle();
    }
    return undefined;
  }

  /** From where an earlier run of this process was, if it left anything. */
  async #trainJob(seed: Uint8Array, name: RoundName): Promise<TrainJob> {
    const { job, keptState, settings } = this.#tools.site;
    const from = await keptState.find(name);
    return {
      ...trainJobOf(job.contract, this.#before, seed),
      stateEveryMs: settings.keepEveryMs,
      ...(from === undefined ? {} : { from }),
    };
  }

  /** The round's model, before it is trained, on rows that nobody trains on: only sums of this leave. */
  async #judge(): Promise<LanguageSums> {
    const { rows, training } = this.#tools.site;
    if (rows.heldOut.length === 0) return NOTHING_HELD_OUT;
    const { sums } = await training.evaluate(this.#before.model.flat, rows.heldOut);
    return sums ?? NOTHING_HELD_OUT;
  }

  /** Often enough for a person who watches. */
  #onStep(steps: number): (step: number, loss: number) => void {
    let toldAt = -Infinity;
    return (step, loss) => {
      const now = performance.now();
      if (now - toldAt < TELL_EVERY_MS && step + 1 < steps) return;
      toldAt = now;
      const finite = Number.isFinite(loss) ? { loss } : {};
      this.#tools.tell({ type: "training", round: this.#round, step: step + 1, steps, ...finite });
    };
  }

  async #mask(effect: Mask, isDropped: () => boolean): Promise<ClientEvent | undefined> {
    try {
      const problem = this.#budgetProblem();
      if (problem !== undefined) return { type: "refused", reason: problem };
      if (isDropped()) return undefined;
      const vector = await this.#maskedVector(effect);
      if (!isDropped()) return this.#onMasked(vector);
      vector.bytes.fill(0);
      return undefined;
    } catch (error) {
      if (error instanceof InputError) throw error;
      this.#tools.log(error);
      return { type: "failed", code: "masking-failed" };
    } finally {
      for (const { key } of effect.streams) key.wipe();
    }
  }

  #onMasked(vector: RingVector): ClientEvent {
    this.#vector = vector;
    return { type: "masked", digest: sha256(vector.bytes), byteLength: vector.bytes.length };
  }

  async #maskedVector({ round, attempt, streams }: Mask): Promise<RingVector> {
    const { memory, job, engine } = this.#tools.site;
    const bytes = job.layout.byteLength;
    await memory.note({ type: "masked", round, attempt, bytes });
    const vector = engine.allocate(job.layout);
    try {
      const { isClipped, clamped } = await this.#quantise(vector);
      await engine.addStreams(
        vector,
        streams.map(({ key, sign }) => ({ key: key.reveal(), sign })),
      );
      this.#tools.tell({ type: "masked", round, attempt, clipped: isClipped, clamped, bytes });
      return vector;
    } catch (error) {
      vector.bytes.fill(0);
      throw error;
    }
  }

  async #quantise(vector: RingVector): Promise<{ readonly isClipped: boolean; readonly clamped: number }> {
    const { identity, job, training, engine } = this.#tools.site;
    invariant(this.#trained !== undefined, "an update is masked when it is there");
    const seed = roundingSeed(identity.siteSecret, job, this.#before.model.hash);
    const contribution = contributionOf(job, this.#trained, {
      rows: training.rows,
      roundingSeed: seed.reveal(),
    });
    try {
      return { isClipped: contribution.isClipped, ...(await engine.quantise(contribution.job, vector)) };
    } finally {
      seed.wipe();
    }
  }
}

const NOT_FINITE: TrainFailure = { type: "failed", code: "non-finite-update", facts: { tensors: [] } };

const isUsable = ({ update, lossSum }: Pick<TrainedUpdate, "update" | "lossSum">): boolean =>
  Number.isFinite(l2Norm(update)) && Number.isFinite(lossSum);
