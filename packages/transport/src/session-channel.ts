/** The half of a session that both sides share: numbers, acknowledgements, and what goes over which link. */
import { invariant } from "@bulkhead/base";
import { Acknowledger } from "./acknowledger.ts";
import { Inbox } from "./inbox.ts";
import { mayBeIgnored, type Link, type Receive } from "./link.ts";
import { Outbox } from "./outbox.ts";
import {
  acknowledgementFrame,
  decodeFrame,
  farewellFrame,
  FRAME_OVERHEAD,
  stampAcknowledged,
  type Farewell,
  type Frame,
} from "./session-frame.ts";
import {
  SessionOverError,
  type Session,
  type SessionOver,
  type SessionPeer,
  type SessionState,
  type Trouble,
  type Violation,
} from "./session.ts";

export interface SessionLimits {
  /** The longest message; every link of the session must be able to carry it. */
  readonly maxMessageBytes: number;
  /** What is kept for a peer that has not acknowledged it; above half of it senders are held back. */
  readonly maxUnacknowledgedBytes: number;
  /** What has been received and not yet been taken by our receiver; above it the link is read no further. */
  readonly maxUntakenBytes: number;
  /** The longest that a received message waits for its acknowledgement. */
  readonly acknowledgeAfterMs: number;
}

export const SESSION_LIMITS: SessionLimits = {
  maxMessageBytes: 2 ** 21 - 64,
  maxUnacknowledgedBytes: 2 ** 24,
  maxUntakenBytes: 2 ** 22,
  acknowledgeAfterMs: 100,
};

/** Which part of what the peer may keep is acknowledged at once. */
const MUCH = 1 / 8;

export interface ChannelOptions<Peer extends SessionPeer> {
  readonly peer: Peer;
  readonly limits: SessionLimits;
  /** How long the session waits for a link. */
  readonly resumeMs: number;
  readonly onLost: () => void;
  readonly onOver: () => void;
}

export class SessionChannel<Peer extends SessionPeer> implements Session {
  readonly peer: Peer;
  readonly #options: ChannelOptions<Peer>;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #acknowledger: Acknowledger;
  #link: Link | undefined;
  #pumping: Link | undefined;
  #acknowledging: Link | undefined;
  #owesAcknowledgement = false;
  #lastReceived = 0;
  #wasOpen = false;
  #trouble: Trouble = { type: "not-tried" };
  #deadline: NodeJS.Timeout | undefined;
  #over: SessionOver | undefined;
  #told = false;
  #changed: ((state: SessionState) => void) | undefined;
  #readOn: () => void = () => undefined;

  /** Begins without a link: its time to find one runs. */
  constructor(options: ChannelOptions<Peer>) {
    this.peer = options.peer;
    this.#options = options;
    this.#outbox = new Outbox(options.limits.maxUnacknowledgedBytes);
    this.#inbox = new Inbox({
      onDrained: () => {
        this.#readOn();
      },
      onFailure: (error) => {
        this.end({ type: "failed", error }, "failed");
      },
    });
    this.#acknowledger = new Acknowledger({
      muchBytes: options.limits.maxUnacknowledgedBytes * MUCH,
      afterMs: options.limits.acknowledgeAfterMs,
      acknowledge: () => this.#acknowledge(),
    });
    this.#awaitLink();
  }

  /** The number of the last message that was received, which a new link goes on behind. */
  get lastReceived(): number {
    return this.#lastReceived;
  }

  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  send(message: Uint8Array): Promise<void> {
    const { maxMessageBytes } = this.#options.limits;
    if (message.length > maxMessageBytes)
      return Promise.reject(
        new RangeError(`a message of ${message.length} bytes, and the session takes ${maxMessageBytes}`),
      );
    if (this.#over === undefined && !this.#outbox.add(message)) this.end({ type: "overflow" }, "overflow");
    if (this.#over !== undefined) return rejected(this.#over);
    this.#pump();
    return this.#outbox.whenRoomy();
  }

  flush(): Promise<void> {
    return this.#over === undefined ? this.#outbox.whenAcknowledged() : rejected(this.#over);
  }

  onMessage(receive: Receive): void {
    this.#inbox.onMessage(receive);
  }

  onState(changed: (state: SessionState) => void): void {
    this.#changed = changed;
    if (this.#told && this.#over !== undefined) changed({ type: "over", reason: this.#over });
  }

  close(farewell: Parameters<Session["close"]>[0] = "done"): void {
    this.end({ type: "closed-by-us" }, farewell);
  }

  /** Takes the peer's word for how many of our messages it has received; gives false if that cannot be. */
  resumeAt(peerHasReceived: number): boolean {
    this.#detach("resumed elsewhere");
    if (this.#outbox.rewind(peerHasReceived)) return true;
    this.#violated("resumption");
    return false;
  }

  /** Goes on over `link`, behind what the peer has received; the link before is dropped. */
  attach(link: Link, peerHasReceived: number): void {
    const longest = this.#options.limits.maxMessageBytes + FRAME_OVERHEAD;
    invariant(link.maxMessageBytes >= longest, "the messages of a session fit its link");
    if (this.#over !== undefined || !this.resumeAt(peerHasReceived)) return link.close("session over");
    clearTimeout(this.#deadline);
    this.#link = link;
    link.onMessage((frame) => (this.#link === link ? this.#onFrame(frame) : undefined));
    link.onClose((closed) => {
      if (this.#link === link) this.#onLost({ type: "link-closed", closed });
    });
    this.#changed?.({ type: this.#wasOpen ? "restored" : "open" });
    this.#wasOpen = true;
    this.#pump();
  }

  /** Why there is still no link: what `link-lost` will say. */
  noteTrouble(trouble: Trouble): void {
    this.#trouble = trouble;
  }

  /** Ends the session, once; with a farewell the peer is told. */
  end(reason: SessionOver, farewell?: Farewell): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    if (farewell !== undefined) this.#sayFarewell(farewell);
    this.#detach(farewell ?? reason.type);
    clearTimeout(this.#deadline);
    this.#acknowledger.settle();
    this.#outbox.close(new SessionOverError(reason));
    this.#options.onOver();
    const tell = (): void => {
      this.#told = true;
      this.#changed?.({ type: "over", reason });
    };
    if (reason.type !== "closed-by-us" && reason.type !== "failed") return this.#inbox.end(tell, false);
    this.#inbox.close();
    tell();
  }

  /** Where all is well, what waits goes out before: it is bounded, and the link closes behind it. */
  #sayFarewell(farewell: Farewell): void {
    const link = this.#link;
    if (link === undefined) return;
    if (farewell === "done")
      for (let frame = this.#outbox.next(); frame !== undefined; frame = this.#outbox.next())
        void link.send(this.#stamped(frame));
    void link.send(farewellFrame(farewell, this.#lastReceived));
  }

  #awaitLink(): void {
    const afterMs = this.#options.resumeMs;
    this.#deadline = setTimeout(() => {
      this.end({ type: "link-lost", afterMs, trouble: this.#trouble });
    }, afterMs);
  }

  #detach(reason: string): void {
    const link = this.#link;
    this.#link = undefined;
    this.#readOn();
    link?.close(reason);
  }

  #onLost(trouble: Trouble): void {
    this.#link = undefined;
    this.#readOn();
    this.#trouble = trouble;
    this.#awaitLink();
    this.#changed?.({ type: "lost", trouble });
    this.#options.onLost();
  }

  /** Sends what has not gone out over the present link, at the link's pace; one loop for each link. */
  #pump(): void {
    const link = this.#link;
    if (link === undefined || this.#pumping === link) return;
    this.#pumping = link;
    const sendAll = async (): Promise<void> => {
      try {
        while (this.#link === link) {
          const frame = this.#outbox.next();
          if (frame === undefined) break;
          await link.send(this.#stamped(frame));
        }
      } finally {
        if (this.#pumping === link) this.#pumping = undefined;
      }
    };
    // If a send fails, the link has closed, and its close says why.
    void mayBeIgnored(sendAll());
  }

  /** One at a time: a peer that sends and never reads must not fill the memory with what it is told. */
  #acknowledge(): void {
    const link = this.#link;
    this.#owesAcknowledgement = true;
    if (link === undefined || this.#acknowledging === link) return;
    this.#acknowledging = link;
    const sendOwed = async (): Promise<void> => {
      try {
        while (this.#owesAcknowledgement && this.#link === link) {
          this.#owesAcknowledgement = false;
          await link.send(acknowledgementFrame(this.#lastReceived));
        }
      } finally {
        if (this.#acknowledging === link) this.#acknowledging = undefined;
      }
    };
    void mayBeIgnored(sendOwed());
  }

  /** The secure link below copies the frame as it seals it, so that it may be stamped again for another link. */
  #stamped(frame: Uint8Array): Uint8Array {
    stampAcknowledged(frame, this.#lastReceived);
    this.#acknowledger.settle();
    return frame;
  }

  #onFrame(bytes: Uint8Array): Promise<void> | undefined {
    const frame = decodeFrame(bytes);
    if (frame === undefined) return this.#violated("frame");
    if (!this.#outbox.acknowledge(frame.acknowledged)) return this.#violated("acknowledgement");
    if (frame.type === "message") return this.#onMessageFrame(frame);
    if (frame.type === "farewell") this.end(farewellToOver(frame.farewell));
    return undefined;
  }

  #onMessageFrame({
    number,
    message,
  }: Extract<Frame, { readonly type: "message" }>): Promise<void> | undefined {
    if (number !== this.#lastReceived + 1) return this.#violated("number");
    this.#lastReceived = number;
    this.#acknowledger.received(message.length);
    this.#inbox.put(message);
    if (this.#inbox.waitingBytes <= this.#options.limits.maxUntakenBytes) return undefined;
    return new Promise((resolve) => {
      this.#readOn = resolve;
    });
  }

  #violated(detail: Violation): undefined {
    this.end({ type: "protocol-violation", detail }, "protocol-violation");
    return undefined;
  }
}

const rejected = (reason: SessionOver): Promise<never> =>
  mayBeIgnored(Promise.reject(new SessionOverError(reason)));

const farewellToOver = (farewell: Farewell): SessionOver =>
  farewell === "replaced" ? { type: "replaced" } : { type: "closed-by-peer", farewell };
