/** What a simulated coordinator has persisted: all that it knows after a crash. */
import { decodeCanonical, encodeCanonical } from "@bulkhead/base";
import {
  type CoordinatorEvent,
  coordinatorEventCodec,
  type CoordinatorMessage,
  type MessageOf,
  type VoidCode,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import { Arriving } from "./link-chunks.ts";

export interface Opened {
  readonly round: number;
  readonly attempt: number;
  readonly gone: readonly MemberId[];
  readonly leftOut: readonly MemberId[];
}

export interface AppliedRound {
  readonly round: number;
  readonly attempt: number;
  readonly survivors: readonly MemberId[];
  readonly sum: Uint8Array;
  readonly result: MessageOf<CoordinatorMessage, "result">;
  readonly model: Float32Array;
}

export interface VoidedAttempt {
  readonly round: number;
  readonly attempt: number;
  readonly code: VoidCode;
  readonly isFinal: boolean;
  readonly complaints: readonly MemberId[];
}

/** The process dies just before or just after the nth write to its journal, counted over all its lives. */
export interface JournalCrash {
  readonly nth: number;
  readonly when: "before" | "after";
  readonly downMs: number;
}

export class CoordinatorDisk {
  readonly applied: AppliedRound[] = [];
  /** Of the round after these. */
  voids: readonly VoidedAttempt[] = [];
  opened: Opened | undefined;
  /** Of the open attempt, once it is plain. */
  sum: Uint8Array | undefined;
  readonly #events: Uint8Array[] = [];
  readonly #spool = new Map<MemberId, Arriving>();
  readonly #byteLength: number;

  constructor(byteLength: number) {
    this.#byteLength = byteLength;
  }

  /** Of the attempt that is open. */
  get events(): readonly CoordinatorEvent[] {
    return this.#events.map((bytes) => decodeCanonical(coordinatorEventCodec, bytes));
  }

  append(event: CoordinatorEvent): void {
    this.#events.push(encodeCanonical(coordinatorEventCodec, event));
  }

  open(opened: Opened): void {
    this.opened = opened;
    this.sum = undefined;
    this.#events.length = 0;
    this.#spool.clear();
  }

  close(voided: VoidedAttempt): void {
    this.voids = [...this.voids, voided];
    this.opened = undefined;
  }

  apply(round: AppliedRound): void {
    this.applied.push(round);
    this.voids = [];
    this.opened = undefined;
  }

  upload(from: MemberId): Arriving {
    const upload = this.#spool.get(from) ?? new Arriving(this.#byteLength);
    this.#spool.set(from, upload);
    return upload;
  }
}
