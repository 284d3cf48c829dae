/**
 * The only loop: one round with all its attempts. It hands the machine what happens, and does what the machine asks
 * for; it knows nothing of the protocol. Training and ring work are started here and report by an event.
 */
import { randomSecret } from "@bulkhead/crypto";
import type { Model } from "@bulkhead/party";
import {
  type Chunk,
  type ClientEffect,
  type ClientEvent,
  type ClientState,
  type CoordinatorFrame,
  describeClient,
  drive,
  isClientOver,
  openSeat,
  type Reason,
  reasonText,
  stepClient,
} from "@bulkhead/protocol";
import type { EgressRefusal } from "../pipe.ts";
import { type Apply, applySum } from "./apply-sum.ts";
import { cohortProblem } from "./cohort.ts";
import { EventQueue, type Posted } from "./event-queue.ts";
import { Contributor, type ContributorTools } from "./contributor.ts";
import type { ModelAt } from "./models.ts";
import type { DeskEvent, PipeDesk } from "./pipe-desk.ts";
import { isSameAsBefore } from "./progress.ts";
import { VectorIntake } from "./vector-intake.ts";

export interface RoundTools extends ContributorTools {
  readonly desk: Pick<PipeDesk, "send" | "stream">;
}

export interface RoundEnd {
  readonly state: ClientState;
  /** Of a round that was applied. */
  readonly next: Model | undefined;
}

const NOTHING = (): void => undefined;
const MALFORMED: Reason = { code: "malformed", message: "frame" };

export class RunningRound {
  readonly #tools: RoundTools;
  readonly #before: ModelAt;
  readonly #contributor: Contributor;
  readonly #intake: VectorIntake;
  readonly #events = new EventQueue<ClientEvent>();
  /** The sum may be here before the machine asks for it. */
  #sum: Uint8Array | undefined;
  #toApply: Apply | undefined;
  #next: Model | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #fail: (error: unknown) => void = NOTHING;

  constructor(tools: RoundTools, before: ModelAt) {
    this.#tools = tools;
    this.#before = before;
    this.#contributor = new Contributor(tools, before);
    this.#intake = new VectorIntake({
      vector: "sum",
      round: before.round + 1,
      byteLength: tools.site.job.layout.byteLength,
    });
  }

  /** Resolves when its turn has come, or never will: so that nobody can fill the memory with what waits here. */
  hear(event: DeskEvent): void | Promise<void> {
    switch (event.type) {
      case "frame":
        return this.#onFrame(event.frame);
      case "malformed":
        return this.#post({ type: "refused", reason: MALFORMED });
      case "linked":
        return this.#post({ type: "link-restored" });
      case "lost":
        return this.#post({ type: "link-lost" });
      case "not-sent":
        return this.#post({ type: "refused", reason: REFUSALS[event.code] });
      case "stop":
        return this.#post(event);
    }
  }

  /** Gives the state in which the round ended, or stood when it was stopped. Rejects where this site cannot go on. */
  async run(): Promise<RoundEnd> {
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    const driven = this.#drive();
    try {
      return { state: await Promise.race([driven, failed]), next: this.#next };
    } finally {
      this.stop();
      await Promise.allSettled([driven, this.#work]);
      this.#contributor.close();
    }
  }

  /** Ends the loop where it stands; the journal has all that matters. */
  stop(): void {
    this.#events.stop();
  }

  #drive(): Promise<ClientState> {
    const { job, member, identity, memory, settings } = this.#tools.site;
    const { round, model } = this.#before;
    const start = openSeat({
      job,
      id: member,
      signingKey: identity.signing.secretKey,
      applied: round,
      modelHash: model.hash,
      history: memory.progress.history,
      strictCohorts: settings.policy.strictCohorts ?? false,
    });
    return drive(
      {
        start,
        step: stepClient,
        isOver: isClientOver,
        observe: (before, event, after) => {
          const { reasons, side: _, ...step } = describeClient(before, event, after);
          this.#tools.tell({ type: "step", ...step, reasons: reasons.map(reasonText) });
        },
      },
      this.#events,
      (effect) => this.#perform(effect),
    );
  }

  #post(event: Posted<ClientEvent>): Promise<void> {
    return this.#events.post(event);
  }

  #onFrame(frame: CoordinatorFrame): void | Promise<void> {
    if (frame.type === "chunk") return this.#onChunk(frame);
    // A seed is drawn for a plan that is looked at, and for no other.
    if (frame.type === "plan")
      return this.#post(() => ({ type: "planned", plan: frame, seed: randomSecret(32) }));
    const { settings, verified } = this.#tools.site;
    const reason = cohortProblem(settings.policy, verified, frame);
    return this.#post(
      reason === undefined ? { type: "received", message: frame } : { type: "refused", reason },
    );
  }

  #onChunk(chunk: Chunk): void | Promise<void> {
    const taken = this.#intake.take(chunk);
    if (taken.type === "malformed") return this.#post({ type: "refused", reason: MALFORMED });
    if (taken.type !== "whole") return undefined;
    this.#sum = taken.bytes;
    return this.#applyWhenWhole();
  }

  #perform(effect: ClientEffect): void | Promise<void> {
    const { desk, site } = this.#tools;
    switch (effect.type) {
      case "persist":
        return site.memory.note(effect.entry);
      case "send":
        return desk.send(effect.message);
      case "upload":
        return desk.stream(this.#contributor.chunks(effect));
      case "set-deadline":
        return this.#events.setDeadline(effect.afterMs, { type: "deadline-passed" });
      case "clear-deadline":
        return this.#events.clearDeadline();
      case "train":
        void this.#start(this.#contributor.train());
        return undefined;
      case "mask":
        return this.#startInTurn(this.#contributor.masking(effect));
      case "apply":
        this.#toApply = effect;
        return this.#applyWhenWhole();
      case "forget-secrets":
        for (const secret of effect.secrets) secret.wipe();
        return undefined;
      case "drop-vector":
        return this.#contributor.dropVector();
      // What was observed says it too.
      case "note":
        return undefined;
    }
  }

  #applyWhenWhole(): void {
    const [effect, sum] = [this.#toApply, this.#sum];
    if (effect === undefined || sum === undefined) return;
    this.#toApply = undefined;
    this.#sum = undefined;
    this.#startInTurn(() => this.#apply(effect, sum));
  }

  /** On the disk before the machine hears of it; of a round that was applied before, the same model must come out. */
  async #apply(effect: Apply, sum: Uint8Array): Promise<ClientEvent> {
    const { site } = this.#tools;
    const next = applySum(site, this.#before.model, effect, sum);
    if (typeof next === "string") return { type: "failed", code: next };
    const entry = { type: "applied", round: effect.round, modelHash: next.hash } as const;
    const isSame = isSameAsBefore(site.memory.progress, entry);
    if (isSame === false) return { type: "failed", code: "sum-mismatch" };
    await site.models.save({ round: effect.round, model: next });
    if (isSame === undefined) {
      await site.memory.note(entry);
      site.keptUpdate.drop();
    }
    this.#next = next;
    return { type: "applied", modelHash: next.hash };
  }

  /** The ring engine's work, one piece after the other. */
  #startInTurn(work: () => Promise<ClientEvent | undefined>): void {
    this.#work = this.#work.then(() => this.#start(work()));
  }

  async #start(work: Promise<ClientEvent | undefined>): Promise<void> {
    try {
      const event = await work;
      if (event !== undefined) this.#events.add(event);
    } catch (error) {
      this.#fail(error);
    }
  }
}

const REFUSALS: Readonly<Record<EgressRefusal, Reason>> = {
  bytes: { code: "budget-spent", what: "bytes" },
  rounds: { code: "budget-spent", what: "rounds" },
  attempts: { code: "budget-spent", what: "attempts" },
  frame: { code: "internal" },
};
