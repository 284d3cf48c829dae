/**
 * The coordinator: one machine after the other in a small shell, with a disk. Everything it needs after a crash it reads
 * from there, by replaying what it has persisted.
 */
import { invariant, ShapeError } from "@bulkhead/base";
import {
  type ClientFrame,
  type ClientMessage,
  type CoordinatorFrame,
  type CoordinatorMessage,
  type CoordinatorState,
  decodeClientFrame,
  type MessageOf,
  resultMessage,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import { nextOpening, openingStep, recovered } from "./attempt-opening.ts";
import { modelAfter } from "./contribution.ts";
import { CoordinatorDisk, type JournalCrash, type Opened } from "./coordinator-disk.ts";
import { Desk, type Greeting } from "./desk.ts";
import { hashOfModel, RESUME_MS, STAGE_MS } from "./federation.ts";
import { chunksOf } from "./link-chunks.ts";
import { SimulatedAttempt } from "./simulated-attempt.ts";
import type { Wire } from "./wire.ts";
import type { World } from "./world.ts";

interface CoordinatorOptions {
  readonly world: World;
  readonly wires: ReadonlyMap<MemberId, Wire>;
  /** What goes out in place of a frame. */
  readonly alter: (frame: CoordinatorFrame, to: MemberId) => readonly CoordinatorFrame[];
  readonly hears: (from: MemberId, frame: ClientFrame) => void;
  /** What goes out besides. */
  readonly replies: (from: MemberId, frame: ClientFrame) => readonly CoordinatorMessage[];
  readonly journalCrashes: readonly JournalCrash[];
  readonly crash: (downMs: number) => void;
}

/** Between a void attempt and the next. */
const PAUSE_MS = 200;

export class SimulatedCoordinator {
  readonly disk: CoordinatorDisk;
  readonly #options: CoordinatorOptions;
  readonly #desks: ReadonlyMap<MemberId, Desk>;
  #life = 0;
  #starts = 0;
  #attempt: SimulatedAttempt | undefined;
  #ending: "done" | "failed" | undefined;
  /** Until when those who take part are waited for; not yet known while nobody is. */
  #patientUntil: number | undefined;
  #isFirst = true;
  #writes = 0;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.disk = new CoordinatorDisk(options.world.job.layout.byteLength);
    this.#desks = new Map(
      [...options.wires].map(([id, wire]) => [id, new Desk(id, wire, options.alter)] as const),
    );
  }

  get attempt(): CoordinatorState | undefined {
    return this.#attempt?.state;
  }

  get starts(): number {
    return this.#starts;
  }

  get writes(): number {
    return this.#writes;
  }

  start(): void {
    this.#life++;
    this.#starts++;
    this.#isFirst = true;
    const { opened } = this.disk;
    if (opened === undefined) this.#awaitMembers(STAGE_MS);
    else this.#resume(opened);
  }

  crash(): void {
    this.#life++;
    this.#attempt?.stop();
    this.#attempt = undefined;
    this.#ending = undefined;
    this.#patientUntil = undefined;
    for (const desk of this.#desks.values()) {
      desk.absence?.cancel();
      desk.leave();
      desk.endLink();
    }
  }

  receive(from: MemberId, bytes: Uint8Array): void {
    const desk = this.#desk(from);
    let frame: ClientFrame;
    try {
      frame = decodeClientFrame(bytes);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      return desk.wire.repair();
    }
    this.#options.hears(from, frame);
    if (frame.type === "chunk") this.#attempt?.take(from, frame);
    else if (frame.type === "hello") this.#onHello(desk, frame);
    else if (frame.type === "leave") this.#onLeave(desk, frame);
    else this.#attempt?.hear({ type: "received", from, message: frame });
    for (const reply of this.#options.replies(from, frame)) desk.post(reply);
  }

  onLost(from: MemberId): void {
    const desk = this.#desk(from);
    desk.endLink();
    desk.absence?.cancel();
    desk.absence = this.#later(RESUME_MS, () => {
      desk.leave();
      this.#lose(from);
      this.#look();
    });
  }

  onRestored(from: MemberId): void {
    this.#desk(from).absence?.cancel();
  }

  get #now(): Greeting {
    const { job, federation } = this.#options.world;
    const last = this.disk.applied.at(-1);
    return {
      applied: this.disk.applied.length,
      modelHash: hashOfModel(job, last?.model ?? federation.initialModel),
    };
  }

  #desk(id: MemberId): Desk {
    const desk = this.#desks.get(id);
    invariant(desk !== undefined, "frames come from members");
    return desk;
  }

  #later(ms: number, action: () => void) {
    const life = this.#life;
    return this.#options.world.clock.after(ms, () => {
      if (life === this.#life) action();
    });
  }

  #lose(from: MemberId): void {
    this.#attempt?.hear({ type: "lost", from });
  }

  #onHello(desk: Desk, hello: MessageOf<ClientMessage, "hello">): void {
    desk.greet(hello);
    if (this.#ending === "failed") return desk.post({ type: "finished", code: "failed" });
    const missed = this.disk.applied[hello.applied];
    if (missed !== undefined) return this.#sendRound(desk, hello.applied + 1);
    if (this.#ending !== undefined) return desk.post({ type: "finished", code: this.#ending });
    this.#attempt?.hear({ type: "received", from: desk.id, message: hello });
    // One that waits for a plan takes no part in an attempt that is beyond that, whatever it has sent before.
    const isBeyond = this.#attempt?.state.stage !== "collecting-adverts";
    if (hello.place === "awaiting-plan" && isBeyond) this.#lose(desk.id);
    this.#look();
  }

  #onLeave(desk: Desk, message: MessageOf<ClientMessage, "leave">): void {
    this.#attempt?.hear({ type: "received", from: desk.id, message });
    if (message.code === "attempt-lost" || message.code === "bad-share") return;
    desk.leave();
    this.#lose(desk.id);
    this.#look();
  }

  #sendRound(desk: Desk, round: number): void {
    const { sum, result, attempt } = this.disk.applied[round - 1]!;
    desk.stream(round, [result, ...chunksOf("sum", { round, attempt }, { bytes: sum })]);
  }

  /** A plan goes to those who have the model that it names: the others get that first. */
  #send(to: MemberId, message: CoordinatorMessage): void {
    const desk = this.#desk(to);
    if (message.type === "plan" && (desk.greeting?.applied ?? -1) < this.disk.applied.length) return;
    desk.post(message);
  }

  #awaitMembers(ms: number): void {
    const { job, clock } = this.#options.world;
    if (this.disk.applied.length === job.contract.training.rounds) return this.#finish("done");
    const last = this.disk.voids.at(-1);
    const isUsedUp = this.disk.voids.length >= job.contract.egress.attemptsPerRound;
    if (last !== undefined && (last.isFinal || isUsedUp)) return this.#finish("failed");
    this.#patientUntil = clock.now + ms;
    this.#later(ms, () => this.#look());
    this.#look();
  }

  /** Opens the next attempt if there is none and whoever is waited for is ready. */
  #look(): void {
    const isBusy = this.#attempt !== undefined || this.#ending !== undefined;
    if (isBusy || this.#patientUntil === undefined) return;
    const { job, clock } = this.#options.world;
    const desks = [...this.#desks.values()];
    const ready = desks.filter((desk) => desk.isReady(this.#now));
    const taking = desks.filter((desk) => desk.takesPart);
    const wanted = this.#isFirst ? job.members.length : Math.max(job.least, taking.length);
    const isTime = ready.length >= wanted || clock.now >= this.#patientUntil;
    if (!isTime || ready.length < job.least) return;
    this.#isFirst = false;
    this.#patientUntil = undefined;
    this.#open(ready.map(({ id }) => id));
  }

  #open(ready: readonly MemberId[]): void {
    const { world } = this.#options;
    const opened = nextOpening(world.job, this.disk, ready);
    if (!this.#write(() => this.disk.open(opened))) return;
    const { state, effects } = openingStep(world, this.#now.modelHash, opened);
    this.#attempt = this.#attemptOf(state);
    this.#attempt.start(effects);
  }

  #resume(opened: Opened): void {
    const { state } = openingStep(this.#options.world, this.#now.modelHash, opened);
    const { state: stood, effects, folded } = recovered(state, this.disk.events);
    this.#attempt = this.#attemptOf(stood);
    this.#attempt.refold(folded);
    this.#attempt.start(effects);
  }

  #attemptOf(state: CoordinatorState): SimulatedAttempt {
    return new SimulatedAttempt(
      {
        world: this.#options.world,
        disk: this.disk,
        send: (to, message) => this.#send(to, message),
        persist: (event) => this.#write(() => this.disk.append(event)),
        onOver: (over) => this.#onOver(over),
      },
      state,
    );
  }

  #onOver(state: CoordinatorState): void {
    if (state.stage === "published") {
      if (!this.#publish(state)) return;
    } else if (state.stage === "void") {
      const { context, reason, isFinal, complaints } = state;
      const { round, attempt } = context;
      const voided = { round, attempt, code: reason.code, isFinal, complaints: [...complaints] };
      if (!this.#write(() => this.disk.close(voided))) return;
    }
    this.#attempt = undefined;
    if (state.stage === "published") this.#awaitMembers(STAGE_MS);
    else this.#later(PAUSE_MS, () => this.#awaitMembers(STAGE_MS));
  }

  #publish(state: Extract<CoordinatorState, { readonly stage: "published" }>): boolean {
    const { job, federation } = this.#options.world;
    const { sum } = this.disk;
    invariant(sum !== undefined, "what is published has a sum");
    const before = this.disk.applied.at(-1)?.model ?? federation.initialModel;
    const { survivors, context } = state;
    const model = modelAfter(job, before, { sum, survivors: survivors.length });
    invariant(model !== undefined, "members send what they can send");
    const result = resultMessage(state, federation.providerKey);
    const { round, attempt } = context;
    const isKept = this.#write(() => this.disk.apply({ round, attempt, survivors, sum, result, model }));
    if (!isKept) return false;
    for (const desk of this.#desks.values())
      if (desk.greeting?.applied === round - 1) this.#sendRound(desk, round);
    return true;
  }

  #finish(ending: "done" | "failed"): void {
    this.#ending = ending;
    const { applied } = this.#now;
    for (const desk of this.#desks.values())
      if (ending === "failed" || desk.greeting?.applied === applied)
        desk.post({ type: "finished", code: ending });
  }

  /** False where the process dies with this write, whether it was made or not. */
  #write(write: () => void): boolean {
    this.#writes++;
    const crash = this.#options.journalCrashes.find(({ nth }) => nth === this.#writes);
    if (crash?.when !== "before") write();
    if (crash !== undefined) this.#options.crash(crash.downMs);
    return crash === undefined;
  }
}
