/** One member as the coordinator sees it: its session if it has one, where it said it stands, what waits to go out to it. */
import { equalBytes } from "@bulkhead/base";
import type { CoordinatorFrame, Member } from "@bulkhead/protocol";
import type { MemberPeer, Session } from "@bulkhead/transport";
import { type Frames, Outbox } from "./outbox.ts";

/** Where a member's model stands, as it said itself over the present session. */
export interface Greeting {
  readonly applied: number;
  readonly modelHash: Uint8Array;
}

interface DeskOptions {
  /** In bytes, of messages that wait. */
  readonly longestOutbox: number;
  /** What goes out in place of a frame. */
  readonly alter: (frame: CoordinatorFrame) => readonly CoordinatorFrame[];
  /** A failure of ours, which ends the coordinator. */
  readonly onFailure: (error: unknown) => void;
}

export class MemberDesk {
  readonly member: Member;
  readonly #options: DeskOptions;
  #session: Session<MemberPeer> | undefined;
  #outbox: Outbox | undefined;
  #isLinked = false;
  #greeting: Greeting | undefined;
  #hasLeft = false;
  /** Vectors that were handed to the present session, which delivers each once. */
  #streamed = new Set<string>();
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(member: Member, options: DeskOptions) {
    this.member = member;
    this.#options = options;
  }

  get isLinked(): boolean {
    return this.#isLinked;
  }

  get hasSession(): boolean {
    return this.#session !== undefined;
  }

  get greeting(): Greeting | undefined {
    return this.#greeting;
  }

  /** In bytes of protocol frames, since this process began. */
  get traffic(): { readonly up: number; readonly down: number } {
    return { up: this.#bytesUp, down: this.#bytesDown };
  }

  /** Whether it is there, with this very model. */
  isReady({ applied, modelHash }: Greeting): boolean {
    const greeting = this.#greeting;
    return (
      this.#isLinked &&
      greeting !== undefined &&
      greeting.applied === applied &&
      equalBytes(greeting.modelHash, modelHash)
    );
  }

  holds(session: Session<MemberPeer>): boolean {
    return this.#session === session;
  }

  begin(session: Session<MemberPeer>): void {
    this.end();
    this.#session = session;
    this.#isLinked = true;
    this.#outbox = new Outbox({
      longest: this.#options.longestOutbox,
      send: (frame) => session.send(frame),
      onSent: (bytes) => {
        this.#bytesDown += bytes;
      },
      onOverflow: () => session.close("overflow"),
      onFailure: this.#options.onFailure,
    });
  }

  setLinked(isLinked: boolean): void {
    this.#isLinked = isLinked;
  }

  greet(greeting: Greeting): void {
    this.#greeting = greeting;
    this.#hasLeft = false;
  }

  /** It said that it takes no part any more; it may greet again. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  leave(): void {
    this.#greeting = undefined;
    this.#hasLeft = true;
  }

  countReceived(bytes: number): void {
    this.#bytesUp += bytes;
  }

  /** Without a session it goes nowhere: a member that comes back says where it stands, and gets what it lacks there. */
  post(frame: CoordinatorFrame): void {
    for (const altered of this.#options.alter(frame)) this.#outbox?.post(altered);
  }

  /** Sends a vector over the present session, unless it was sent over it before. */
  stream(name: string, frames: () => Frames): void {
    if (this.#streamed.has(name)) return;
    this.#streamed.add(name);
    this.#outbox?.stream(this.#altered(frames()));
  }

  /** Resolves when the member has received all that was sent so far, or its session is over. */
  async flush(): Promise<void> {
    await this.#outbox?.drained();
    await this.#session?.flush().catch(() => undefined);
  }

  /** The member has sent what is no message. */
  refuse(): void {
    this.#session?.close("protocol-violation");
  }

  end(): void {
    this.#outbox?.close();
    this.#session = undefined;
    this.#outbox = undefined;
    this.#isLinked = false;
    this.#greeting = undefined;
    this.#streamed = new Set();
  }

  async *#altered(frames: Frames): Frames {
    for await (const frame of frames) yield* this.#options.alter(frame);
  }
}
