/**
 * What can go wrong with one frame, and the count of what did. A fault waits for its place: the nth frame of a type on
 * one member's link. Above the secure link a frame can be lost, late, repeated or altered only by the coordinator or
 * by a defect; below it all of that is noticed, and is one fault: `cut`.
 */
import type { ClientFrame, CoordinatorFrame } from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";

/** `up` is from a member to the coordinator. */
export type Direction = "up" | "down";
export type FrameType = ClientFrame["type"] | CoordinatorFrame["type"];

export interface Place {
  readonly member: MemberId;
  readonly direction: Direction;
  readonly type: FrameType;
  /** From 1; counted over the whole story. */
  readonly nth: number;
}

/** `at` is a share of the frame's length, from 0 to before 1. */
export type Harm =
  | { readonly kind: "drop" }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "duplicate" }
  /** Comes after the frame that follows it, or late where none does. */
  | { readonly kind: "reorder" }
  | { readonly kind: "truncate"; readonly at: number }
  | { readonly kind: "flip"; readonly at: number }
  /** The link is lost with this frame and all that is under way, and restored after `downMs`. */
  | { readonly kind: "cut"; readonly downMs: number }
  /**
   * The member dies with this frame and starts again from its disk; never, where `downMs` is infinite. A frame that the
   * dying side was sending still `arrives`, or not; one that it was about to receive never does.
   */
  | { readonly kind: "crash member"; readonly downMs: number; readonly arrives: boolean }
  | { readonly kind: "crash coordinator"; readonly downMs: number; readonly arrives: boolean };

export interface Fault {
  readonly at: Place;
  readonly harm: Harm;
}

export interface Hit {
  readonly direction: Direction;
  readonly type: FrameType;
  readonly kind: Harm["kind"];
}

export class Faults {
  readonly #waiting: Set<Fault>;
  readonly #seen = new Map<string, number>();
  readonly #hits: Hit[] = [];

  constructor(faults: readonly Fault[]) {
    this.#waiting = new Set(faults);
  }

  get hits(): readonly Hit[] {
    return this.#hits;
  }

  /** The harm that is due to this frame, which counts as done. */
  due(member: MemberId, direction: Direction, type: FrameType): Harm | undefined {
    const place = `${member} ${direction} ${type}`;
    const nth = (this.#seen.get(place) ?? 0) + 1;
    this.#seen.set(place, nth);
    for (const fault of this.#waiting) {
      const { at, harm } = fault;
      if (at.member !== member || at.direction !== direction || at.type !== type || at.nth !== nth) continue;
      this.#waiting.delete(fault);
      this.#hits.push({ direction, type, kind: harm.kind });
      return harm;
    }
    return undefined;
  }
}
