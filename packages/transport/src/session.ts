/**
 * A session carries messages both ways, each exactly once and in order, over one secure link after the other. What a
 * lost link took with it is sent again over the next; if that cannot be, the session is over, and says why.
 */
import type { InputError } from "@bulkhead/base";
import type { LinkClosed, Receive } from "./link.ts";
import type { LinkFailure } from "./link-failure.ts";
import type { Farewell } from "./session-frame.ts";

export interface Session<Peer extends SessionPeer = SessionPeer> {
  readonly peer: Peer;
  /**
   * Resolves once the message may be followed by another, which a peer that does not read can delay for ever. Calls
   * keep their order, awaited or not; who does not await, and fills the bound on unacknowledged bytes, ends the
   * session with `overflow`. Rejects with a {@link SessionOverError}, which may be ignored, when the session is over.
   */
  send(message: Uint8Array): Promise<void>;
  /** Resolves once the peer has received all that was sent before this call; rejects when the session is over. */
  flush(): Promise<void>;
  /**
   * One receiver at a time; messages that arrive before there is one wait. The next message comes after the promise
   * of the one before. A receiver that throws or rejects ends the session.
   */
  onMessage(receive: Receive): void;
  /** What has changed; `over` comes last, after all that was received has been handed over. */
  onState(changed: (state: SessionState) => void): void;
  /**
   * Ends the session in order: what was sent before still goes out, if the link lasts. Another farewell than `done` tells
   * the peer what is wrong, at once.
   */
  close(farewell?: Extract<Farewell, "done" | "overflow" | "protocol-violation">): void;
}

export interface CoordinatorPeer {
  readonly type: "coordinator";
  readonly providerKey: Uint8Array;
}

export interface MemberPeer {
  readonly type: "member";
  readonly memberId: number;
  readonly gatewayKey: Uint8Array;
}

export type SessionPeer = CoordinatorPeer | MemberPeer;

export type SessionState =
  /** The first link of the session is there. */
  | { readonly type: "open" }
  | { readonly type: "lost"; readonly trouble: Trouble }
  | { readonly type: "restored" }
  | { readonly type: "over"; readonly reason: SessionOver };

/** What keeps a session from having a link. */
export type Trouble =
  | { readonly type: "not-tried" }
  | { readonly type: "not-reached"; readonly problem: InputError }
  | { readonly type: "not-opened"; readonly failure: LinkFailure }
  | { readonly type: "link-closed"; readonly closed: LinkClosed };

export type SessionOver =
  | { readonly type: "closed-by-us" }
  | { readonly type: "closed-by-peer"; readonly farewell: Farewell }
  /** The member began another session. */
  | { readonly type: "replaced" }
  /** Without a link for longer than the session waits. */
  | { readonly type: "link-lost"; readonly afterMs: number; readonly trouble: Trouble }
  /** Trying again would not help. */
  | { readonly type: "cannot-open"; readonly trouble: Trouble }
  /** The peer reads too little for what we sent without waiting. */
  | { readonly type: "overflow" }
  | { readonly type: "protocol-violation"; readonly detail: Violation }
  /** Our own receiver or `dial` threw: a bug of ours, kept for the log. */
  | { readonly type: "failed"; readonly error: unknown };

/** What the peer got wrong: a frame's form, what it says it has received, a message's number, or where to go on. */
export type Violation = "frame" | "acknowledgement" | "number" | "resumption";

export class SessionOverError extends Error {
  override readonly name = "SessionOverError";
  readonly reason: SessionOver;

  constructor(reason: SessionOver) {
    super(`session over: ${reason.type}`);
    this.reason = reason;
  }
}
