/**
 * A member: the client's machine in a small shell, with a disk. What is on the disk outlives a crash; the machine, its
 * secrets and the masked vector do not.
 */
import { decodeCanonical, encodeCanonical, equalBytes, invariant, type Secret } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import {
  type AttemptName,
  type ClientEffect,
  type ClientEntry,
  clientEntryCodec,
  type ClientEvent,
  type ClientFrame,
  type ClientState,
  type CoordinatorFrame,
  decodeCoordinatorFrame,
  encodeFrame,
  isClientOver,
  NO_HISTORY,
  openSeat,
  remember,
  type Step,
  stepClient,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import { contributionOf, modelAfter } from "./contribution.ts";
import { hashOfModel } from "./federation.ts";
import { frozen } from "./frozen.ts";
import { addStreams, areCheckLanesZero } from "./lanes.ts";
import { Arriving, chunksOf } from "./link-chunks.ts";
import type { Timer } from "./virtual-clock.ts";
import type { Wire } from "./wire.ts";
import type { MemberEnd, World } from "./world.ts";

export interface MemberDisk {
  readonly entries: Uint8Array[];
  model: Float32Array;
  applied: number;
  /** The round whose update is finished and kept. */
  trained: number;
}

type ApplyEffect = Extract<ClientEffect, { readonly type: "apply" }>;

const TRAINING = { least: 20, most: 400 };
const WORK_MS = 5;

export class SimulatedMember {
  readonly id: MemberId;
  readonly disk: MemberDisk;
  readonly #world: World;
  readonly #wire: Wire;
  readonly #strictCohorts: boolean;
  /** Counts its starts: what an earlier life has begun is never finished. */
  #life = 0;
  #state: ClientState | undefined;
  #deadline: Timer | undefined;
  #vector: Uint8Array | undefined;
  #arriving: Arriving | undefined;
  #toApply: ApplyEffect | undefined;
  #end: MemberEnd | undefined;

  constructor(world: World, id: MemberId, wire: Wire, strictCohorts = false) {
    this.id = id;
    this.#world = world;
    this.#wire = wire;
    this.#strictCohorts = strictCohorts;
    this.disk = { entries: [], model: world.federation.initialModel, applied: 0, trained: 0 };
  }

  get end(): MemberEnd {
    if (this.#end !== undefined) return this.#end;
    return this.#state === undefined ? { type: "dead" } : { type: "waiting", stage: this.#state.stage };
  }

  /** Everything it knows of itself it reads from the disk. */
  start(): void {
    if (this.#end !== undefined) return;
    this.#life++;
    this.#openSeat();
  }

  /** The disk is replaced by an older copy: the one of the beginning. */
  setBack(): void {
    this.disk.entries.length = 0;
    this.disk.model = this.#world.federation.initialModel;
    this.disk.applied = 0;
    this.disk.trained = 0;
  }

  crash(): void {
    this.#life++;
    this.#state = undefined;
    this.#deadline?.cancel();
    this.#vector = undefined;
    this.#arriving = undefined;
    this.#toApply = undefined;
  }

  readonly receive = (bytes: Uint8Array): void => {
    if (this.#state === undefined) return;
    let frame: CoordinatorFrame;
    try {
      frame = decodeCoordinatorFrame(bytes);
    } catch {
      return this.#wire.repair();
    }
    if (frame.type === "chunk") {
      if (frame.vector !== "sum" || this.#arriving?.take(frame) === false) return this.#wire.repair();
      this.#applyWhenWhole();
    } else if (frame.type === "plan") this.#hear({ type: "planned", plan: frame, seed: this.#freshSeed() });
    else {
      if (frame.type === "result") this.#arriving = new Arriving(this.#world.job.layout.byteLength);
      this.#hear({ type: "received", message: frame });
    }
  };

  readonly onLost = (): void => this.#hear({ type: "link-lost" });
  readonly onRestored = (): void => this.#hear({ type: "link-restored" });

  withdraw(): void {
    this.#hear({ type: "stop", withdraws: true });
  }

  #freshSeed(): Secret {
    const seed = this.#world.random.secret();
    this.#world.keepSecret("attempt seed", seed.reveal());
    return seed;
  }

  #openSeat(): void {
    const { federation, job } = this.#world;
    const { entries, applied, model } = this.disk;
    const history = entries
      .map((bytes) => decodeCanonical(clientEntryCodec, bytes))
      .reduce(remember, NO_HISTORY);
    const { state, effects } = openSeat({
      job,
      id: this.id,
      signingKey: federation.signingKeys.get(this.id)!,
      applied,
      modelHash: hashOfModel(job, model),
      history,
      strictCohorts: this.#strictCohorts,
    });
    this.#state = frozen(state);
    this.#perform(effects);
    if (this.#wire.isUp) this.#hear({ type: "link-restored" });
  }

  #hear(event: ClientEvent): void {
    const before = this.#state;
    if (before === undefined) return;
    const after: Step<ClientState, ClientEffect> = stepClient(before, event);
    this.#state = frozen(after.state);
    this.#world.saw({ who: this.id, before, event, after });
    const life = this.#life;
    this.#perform(after.effects);
    if (life === this.#life && isClientOver(after.state) && !isClientOver(before)) this.#onOver(after.state);
  }

  #onOver(state: Extract<ClientState, { readonly stage: "applied" | "finished" | "aborted" }>): void {
    this.#deadline?.cancel();
    if (state.stage === "applied") return this.#openSeat();
    this.#end = state.stage === "finished" ? { type: state.code } : { type: "refused", reason: state.reason };
    this.#state = undefined;
  }

  /** Stops where it dies: a crash that a sent frame brings keeps the rest from being done. */
  #perform(effects: readonly ClientEffect[]): void {
    const life = this.#life;
    for (const effect of effects) {
      if (life !== this.#life) return;
      this.#do(effect);
    }
  }

  #do(effect: ClientEffect): void {
    const { job, keepSecret } = this.#world;
    switch (effect.type) {
      case "send":
        return this.#send(effect.message);
      case "persist":
        return this.#persist(effect.entry);
      case "set-deadline":
        this.#deadline?.cancel();
        this.#deadline = this.#later(effect.afterMs, () => this.#hear({ type: "deadline-passed" }));
        return;
      case "clear-deadline":
        return this.#deadline?.cancel();
      case "train":
        return this.#train(effect.round);
      case "mask":
        for (const { key } of effect.streams) keepSecret("mask stream key", key.reveal());
        return this.#mask(effect);
      case "upload":
        return this.#upload(effect);
      case "apply":
        this.#toApply = effect;
        invariant(effect.byteLength === job.layout.byteLength, "the machine has checked the length");
        return this.#applyWhenWhole();
      case "forget-secrets":
        for (const secret of effect.secrets) secret.wipe();
        return;
      case "drop-vector":
        this.#vector = undefined;
        return;
      case "note":
        return;
    }
  }

  #later(ms: number, action: () => void): Timer {
    const life = this.#life;
    return this.#world.clock.after(ms, () => {
      if (life === this.#life) action();
    });
  }

  #send(frame: ClientFrame): void {
    this.#wire.send("up", frame.type, encodeFrame(frame));
  }

  #persist(entry: ClientEntry): void {
    this.disk.entries.push(encodeCanonical(clientEntryCodec, entry));
  }

  #train(round: number): void {
    const isKept = this.disk.trained === round;
    const { random } = this.#world;
    this.#later(isKept ? WORK_MS : random.between(TRAINING.least, TRAINING.most), () => {
      this.disk.trained = round;
      this.#hear({ type: "trained" });
    });
  }

  #mask({ round, streams }: Extract<ClientEffect, { readonly type: "mask" }>): void {
    const { job, seed, keepSecret } = this.#world;
    const vector = contributionOf(job, seed, { member: this.id, round });
    keepSecret("update", vector);
    addStreams(job.layout, vector, streams);
    for (const { key } of streams) key.wipe();
    this.#later(WORK_MS, () => {
      this.#vector = vector;
      this.#hear({ type: "masked", digest: sha256(vector), byteLength: vector.length });
    });
  }

  #upload({ from, ...name }: AttemptName & { readonly from: number }): void {
    const life = this.#life;
    invariant(this.#vector !== undefined, "what is uploaded has been masked");
    for (const chunk of chunksOf("masked-input", name, { bytes: this.#vector, from }))
      if (life === this.#life) this.#send(chunk);
  }

  /** The sum may be here before the machine asks for it. */
  #applyWhenWhole(): void {
    const effect = this.#toApply;
    const arriving = this.#arriving;
    if (effect === undefined || arriving?.isWhole !== true) return;
    this.#toApply = undefined;
    this.#arriving = undefined;
    this.#later(WORK_MS, () => this.#apply(effect, arriving.bytes));
  }

  #apply({ round, sumDigest, survivors }: ApplyEffect, sum: Uint8Array): void {
    const { job } = this.#world;
    const isIntact = equalBytes(sha256(sum), sumDigest) && areCheckLanesZero(job.layout, sum);
    const model = isIntact
      ? modelAfter(job, this.disk.model, { sum, survivors: survivors.length })
      : undefined;
    if (model === undefined) return this.#hear({ type: "failed", code: "sum-mismatch" });
    this.disk.model = model;
    this.disk.applied = round;
    this.#hear({ type: "applied", modelHash: hashOfModel(job, model) });
  }
}
