/** Two links that are each other's far end, in one process: what one sends the other receives, a turn later. */
import { Inbox } from "./inbox.ts";
import { LinkEnd } from "./link-end.ts";
import { cannotSend, printable, type Link, type LinkClosed, type Receive } from "./link.ts";

export interface MemoryLinkLimits {
  readonly maxFrameBytes: number;
  readonly highWaterBytes: number;
}

const DEFAULT_LIMITS: MemoryLinkLimits = { maxFrameBytes: 2 ** 21, highWaterBytes: 2 ** 20 };
const NORMAL_CLOSURE = 1000;

/** A link and its far end. */
export const memoryLinkPair = (limits: Partial<MemoryLinkLimits> = {}): [Link, Link] => {
  const all = { ...DEFAULT_LIMITS, ...limits };
  const [a, b] = [new MemoryLink(all), new MemoryLink(all)];
  a.join(b);
  b.join(a);
  return [a, b];
};

class MemoryLink implements Link {
  readonly maxMessageBytes: number;
  readonly #limits: MemoryLinkLimits;
  readonly #end = new LinkEnd();
  readonly #inbox: Inbox;
  #farEnd: MemoryLink | undefined;
  #bytesUnderWay = 0;

  constructor(limits: MemoryLinkLimits) {
    this.#limits = limits;
    this.maxMessageBytes = limits.maxFrameBytes;
    this.#inbox = new Inbox({
      onDrained: () => {
        this.#farEnd?.releaseSender();
      },
      onFailure: (error) => {
        this.#finish({ type: "receiver-failed", error });
      },
    });
  }

  join(farEnd: MemoryLink): void {
    this.#farEnd = farEnd;
  }

  send(message: Uint8Array): Promise<void> {
    const refused = cannotSend(this, message, this.#end.closed);
    if (refused !== undefined) return refused;
    const copy = message.slice();
    this.#bytesUnderWay += copy.length;
    queueMicrotask(() => {
      this.#bytesUnderWay -= copy.length;
      this.#farEnd?.arrive(copy);
      this.releaseSender();
    });
    return this.#isBelowHighWater() ? Promise.resolve() : this.#end.waitToSend();
  }

  onMessage(receive: Receive): void {
    this.#inbox.onMessage(receive);
  }

  onClose(closed: (reason: LinkClosed) => void): void {
    this.#end.onClose(closed);
  }

  close(reason = ""): void {
    this.#finish({ type: "closed-by-us" }, reason);
  }

  admit(): void {}

  arrive(message: Uint8Array): void {
    this.#inbox.put(message);
  }

  releaseSender(): void {
    if (this.#isBelowHighWater()) this.#end.releaseSenders();
  }

  farEndClosed(reason: LinkClosed): void {
    if (!this.#end.decide(reason)) return;
    this.#inbox.end(() => {
      this.#end.tell();
    }, true);
  }

  #isBelowHighWater(): boolean {
    return this.#bytesUnderWay + (this.#farEnd?.waitingBytes ?? 0) <= this.#limits.highWaterBytes;
  }

  get waitingBytes(): number {
    return this.#inbox.waitingBytes;
  }

  #finish(reason: LinkClosed, text = ""): void {
    if (!this.#end.decide(reason)) return;
    this.#inbox.close();
    this.#end.tell();
    const told: LinkClosed = { type: "closed-by-peer", code: NORMAL_CLOSURE, text: printable(text) };
    queueMicrotask(() => {
      this.#farEnd?.farEndClosed(told);
    });
  }
}
