/** One member as the simulated coordinator sees it. */
import { equalBytes } from "@bulkhead/base";
import { encodeFrame, type CoordinatorFrame } from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { Timer } from "./virtual-clock.ts";
import type { Wire } from "./wire.ts";

export interface Greeting {
  readonly applied: number;
  readonly modelHash: Uint8Array;
}

export class Desk {
  readonly id: MemberId;
  readonly wire: Wire;
  /** Where it said that it stands, over the present link. */
  #greeting: Greeting | undefined;
  #takesPart = false;
  absence: Timer | undefined;
  readonly #alter: (frame: CoordinatorFrame, to: MemberId) => readonly CoordinatorFrame[];
  readonly #streamed = new Set<number>();

  constructor(
    id: MemberId,
    wire: Wire,
    alter: (frame: CoordinatorFrame, to: MemberId) => readonly CoordinatorFrame[],
  ) {
    this.id = id;
    this.wire = wire;
    this.#alter = alter;
  }

  get greeting(): Greeting | undefined {
    return this.#greeting;
  }

  /** Whether it has greeted and not left: it still does while its link is away for a short time. */
  get takesPart(): boolean {
    return this.#takesPart;
  }

  greet(greeting: Greeting): void {
    this.#greeting = greeting;
    this.#takesPart = true;
  }

  leave(): void {
    this.#greeting = undefined;
    this.#takesPart = false;
  }

  isReady({ applied, modelHash }: Greeting): boolean {
    const greeting = this.#greeting;
    return this.wire.isUp && greeting?.applied === applied && equalBytes(greeting.modelHash, modelHash);
  }

  post(frame: CoordinatorFrame): void {
    for (const altered of this.#alter(frame, this.id))
      this.wire.send("down", altered.type, encodeFrame(altered));
  }

  /** Sends a round's result and sum, once over one link. */
  stream(round: number, frames: readonly CoordinatorFrame[]): void {
    if (this.#streamed.has(round)) return;
    this.#streamed.add(round);
    for (const frame of frames) this.post(frame);
  }

  endLink(): void {
    this.#greeting = undefined;
    this.#streamed.clear();
  }
}
