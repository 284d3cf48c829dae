/** One attempt at the coordinator: its machine, the uploads, the sum, the deadline. */
import { equalBytes } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import {
  type Chunk,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorMessage,
  type CoordinatorState,
  isCoordinatorOver,
  type MaskStream,
  type Step,
  stepCoordinator,
  type UploadOutcome,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { CoordinatorDisk } from "./coordinator-disk.ts";
import { frozen } from "./frozen.ts";
import { addLanes, addStreams, areCheckLanesZero } from "./lanes.ts";
import type { Timer } from "./virtual-clock.ts";
import type { World } from "./world.ts";

interface AttemptSurroundings {
  readonly world: World;
  readonly disk: CoordinatorDisk;
  readonly send: (to: MemberId, message: CoordinatorMessage) => void;
  /** False where the process dies with this write. */
  readonly persist: (event: CoordinatorEvent) => boolean;
  readonly onOver: (state: CoordinatorState) => void;
}

const WORK_MS = 3;

export class SimulatedAttempt {
  readonly #at: AttemptSurroundings;
  #state: CoordinatorState;
  #deadline: Timer | undefined;
  #isStopped = false;
  readonly #sum: Uint8Array;

  constructor(surroundings: AttemptSurroundings, state: CoordinatorState) {
    this.#at = surroundings;
    this.#state = frozen(state);
    this.#sum = new Uint8Array(state.context.job.layout.byteLength);
  }

  get state(): CoordinatorState {
    return this.#state;
  }

  start(effects: readonly CoordinatorEffect[]): void {
    this.#perform(effects);
    if (isCoordinatorOver(this.#state)) this.#over();
  }

  stop(): void {
    this.#isStopped = true;
    this.#deadline?.cancel();
  }

  /** After a restart: what was folded before it is folded again. */
  refold(members: Iterable<MemberId>): void {
    for (const id of members) this.#add(this.#at.disk.upload(id).bytes);
  }

  hear(event: CoordinatorEvent): void {
    if (this.#isStopped) return;
    const before = this.#state;
    const after: Step<CoordinatorState, CoordinatorEffect> = stepCoordinator(before, event);
    this.#state = frozen(after.state);
    this.#at.world.saw({ who: "coordinator", before, event, after });
    this.#perform(after.effects);
    if (isCoordinatorOver(after.state) && !isCoordinatorOver(before)) this.#over();
  }

  /** A piece of an upload; what is not awaited now is dropped. */
  take(from: MemberId, chunk: Chunk): void {
    const state = this.#state;
    if (state.stage !== "collecting-inputs" || chunk.vector !== "masked-input") return;
    const { round, attempt } = state.context;
    if (chunk.round !== round || chunk.attempt !== attempt) return;
    if (state.sharers.includes(from) && !state.trailers.has(from)) this.#at.disk.upload(from).take(chunk);
  }

  #over(): void {
    if (this.#isStopped) return;
    this.stop();
    this.#at.onOver(this.#state);
  }

  #perform(effects: readonly CoordinatorEffect[]): void {
    for (const effect of effects) {
      if (this.#isStopped) return;
      this.#do(effect);
    }
  }

  #do(effect: CoordinatorEffect): void {
    const { send, disk } = this.#at;
    switch (effect.type) {
      case "persist":
        this.#at.persist(effect.event);
        return;
      case "send":
        return send(effect.to, effect.message);
      case "send-received": {
        const { round, attempt, to } = effect;
        return send(to, { type: "received", round, attempt, bytes: disk.upload(to).have });
      }
      case "set-deadline":
        this.#deadline?.cancel();
        this.#deadline = this.#at.world.clock.after(effect.afterMs, () =>
          this.hear({ type: "deadline-passed" }),
        );
        return;
      case "clear-deadline":
        return this.#deadline?.cancel();
      case "fold":
        return this.#later(() => {
          const outcome = this.#check(effect.from, effect.digest);
          if (outcome === "added") this.#add(disk.upload(effect.from).bytes);
          this.hear({ type: "folded", from: effect.from, outcome });
        });
      case "unmask":
        return this.#later(() => this.#unmask(effect.streams));
      case "publish":
      case "send-sum":
      case "note":
        return;
    }
  }

  #later(action: () => void): void {
    this.#at.world.clock.after(WORK_MS, () => {
      if (!this.#isStopped) action();
    });
  }

  #check(from: MemberId, digest: Uint8Array): UploadOutcome {
    const upload = this.#at.disk.upload(from);
    if (upload.have === 0) return "missing";
    if (!upload.isWhole) return "length";
    if (equalBytes(sha256(upload.bytes), digest)) return "added";
    upload.clear();
    return "digest";
  }

  #add(vector: Uint8Array): void {
    addLanes(this.#at.world.job.layout, this.#sum, { from: vector, sign: 1 });
  }

  #unmask(streams: readonly MaskStream[]): void {
    const { layout } = this.#at.world.job;
    addStreams(layout, this.#sum, streams);
    for (const { key } of streams) key.wipe();
    const outcome = areCheckLanesZero(layout, this.#sum) ? "plain" : "masks-did-not-cancel";
    if (outcome === "plain") this.#at.disk.sum = new Uint8Array(this.#sum);
    this.hear({ type: "summed", outcome, digest: sha256(this.#sum) });
  }
}
