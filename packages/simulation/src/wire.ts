/** One member's link to the coordinator, frames in both directions in order, with the faults that are due to them. */
import type { MemberId } from "@bulkhead/secagg";
import type { Direction, Faults, FrameType, Harm } from "./fault.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What hears of a link at one end. */
export interface WireEnd {
  readonly receive: (frame: Uint8Array) => void;
  readonly onLost: () => void;
  readonly onRestored: () => void;
}

export interface WireSurroundings {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly faults: Faults;
  /** Keeps a copy of every frame that was sent. */
  readonly record: (sent: SentFrame) => void;
  readonly crash: (whom: "member" | "coordinator", member: MemberId, downMs: number) => void;
}

export interface SentFrame {
  readonly member: MemberId;
  readonly direction: Direction;
  readonly type: FrameType;
  readonly bytes: Uint8Array;
}

const LATENCY = { least: 1, most: 20 };
/** How long a frame that should be overtaken waits for one that overtakes it. */
const OVERTAKE_MS = 100;
/** How long a link is away that one end has closed over a frame it could not read. */
const REPAIR_MS = 50;

export class Wire {
  readonly #member: MemberId;
  readonly #at: WireSurroundings;
  #ends: Readonly<Record<Direction, WireEnd>> | undefined;
  /** Frames under way belong to one link; those of a lost link do not arrive. */
  #link = 0;
  #isUp = false;
  #isGone = false;
  readonly #busyUntil = { up: 0, down: 0 };
  readonly #overtaken: Record<Direction, (() => void) | undefined> = { up: undefined, down: undefined };

  constructor(member: MemberId, surroundings: WireSurroundings) {
    this.#member = member;
    this.#at = surroundings;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** `up` is the end that hears what goes up: the coordinator's. */
  connect(ends: Readonly<Record<Direction, WireEnd>>): void {
    this.#ends = ends;
  }

  /** On a link that is lost nothing is sent: what was to be said is said again after it is restored. */
  send(direction: Direction, type: FrameType, bytes: Uint8Array): void {
    if (!this.#isUp) return;
    this.#at.record({ member: this.#member, direction, type, bytes });
    const harm = this.#at.faults.due(this.#member, direction, type);
    if (harm === undefined) this.#deliver(direction, bytes);
    else this.#harm(harm, direction, bytes);
  }

  /** Loses all that is under way; for good, where `downMs` is infinite. */
  cut(downMs: number): void {
    this.#link++;
    this.#isGone ||= !Number.isFinite(downMs);
    if (this.#isUp) {
      this.#isUp = false;
      const { up, down } = this.#bothEnds();
      this.#at.clock.after(0, down.onLost);
      this.#at.clock.after(0, up.onLost);
    }
    this.restore(downMs);
  }

  /** An end could not read a frame: whatever this was, the link is not to be trusted any more. */
  readonly repair = (): void => this.cut(REPAIR_MS);

  restore(afterMs: number): void {
    if (this.#isGone) return;
    const link = this.#link;
    this.#at.clock.after(afterMs, () => {
      if (this.#isUp || link !== this.#link) return;
      this.#isUp = true;
      const { up, down } = this.#bothEnds();
      up.onRestored();
      down.onRestored();
    });
  }

  #harm(harm: Harm, direction: Direction, bytes: Uint8Array): void {
    switch (harm.kind) {
      case "drop":
        return;
      case "delay":
        return this.#deliver(direction, bytes, harm.ms);
      case "duplicate":
        this.#deliver(direction, bytes);
        return this.#deliver(direction, bytes);
      case "reorder":
        return this.#overtake(direction, bytes);
      case "truncate":
        return this.#deliver(direction, bytes.subarray(0, Math.floor(harm.at * bytes.length)));
      case "flip":
        return this.#deliver(direction, withFlippedBit(bytes, harm.at));
      case "cut":
        return this.cut(harm.downMs);
      case "crash member":
        if (harm.arrives && direction === "up") this.#arriveAnyway(direction, bytes);
        return this.#at.crash("member", this.#member, harm.downMs);
      case "crash coordinator":
        if (harm.arrives && direction === "down") this.#arriveAnyway(direction, bytes);
        return this.#at.crash("coordinator", this.#member, harm.downMs);
    }
  }

  #deliver(direction: Direction, bytes: Uint8Array, extraMs = 0): void {
    const { clock, random } = this.#at;
    const arrival = clock.now + random.between(LATENCY.least, LATENCY.most) + extraMs;
    const at = Math.max(this.#busyUntil[direction], arrival);
    this.#busyUntil[direction] = at;
    const link = this.#link;
    const copy = new Uint8Array(bytes);
    clock.after(at - clock.now, () => {
      if (link === this.#link) this.#bothEnds()[direction].receive(copy);
    });
    const overtaken = this.#overtaken[direction];
    this.#overtaken[direction] = undefined;
    overtaken?.();
  }

  /** The last frame of one that dies is out before its link is lost. */
  #arriveAnyway(direction: Direction, bytes: Uint8Array): void {
    const copy = new Uint8Array(bytes);
    this.#at.clock.after(0, () => this.#bothEnds()[direction].receive(copy));
  }

  #overtake(direction: Direction, bytes: Uint8Array): void {
    const link = this.#link;
    const { clock } = this.#at;
    const late = clock.after(OVERTAKE_MS, () => this.#overtaken[direction]?.());
    this.#overtaken[direction] = () => {
      late.cancel();
      this.#overtaken[direction] = undefined;
      if (link === this.#link) this.#deliver(direction, bytes);
    };
  }

  #bothEnds(): Readonly<Record<Direction, WireEnd>> {
    if (this.#ends === undefined) throw new Error("a wire is connected before it is used");
    return this.#ends;
  }
}

const withFlippedBit = (bytes: Uint8Array, share: number): Uint8Array => {
  const flipped = new Uint8Array(bytes);
  const bit = Math.floor(share * 8 * bytes.length);
  flipped[bit >>> 3]! ^= 1 << (bit & 7);
  return flipped;
};
