/** The coordinator's side of sessions: one for each member, over whatever link the member comes back on. */
import { randomBytes, type SigningKeys } from "@bulkhead/crypto";
import { equalBytes } from "@bulkhead/base";
import { acceptSecureLink, type Admission, type ProvenMember } from "./accept-secure-link.ts";
import { SESSION_ID_LENGTH, type SessionPlace } from "./handshake-messages.ts";
import type { Link } from "./link.ts";
import type { LinkFailure } from "./link-failure.ts";
import { REKEY_BYTES } from "./record-cipher.ts";
import { SESSION_LIMITS, SessionChannel, type SessionLimits } from "./session-channel.ts";
import type { MemberPeer, Session } from "./session.ts";

export interface AcceptSessionsOptions {
  readonly providerKeys: SigningKeys;
  readonly contractDigest: Uint8Array;
  /** The identity key that the contract's roster names for a member. */
  readonly memberKey: (memberId: number) => Uint8Array | undefined;
  /** How long a session waits for its member to come back. */
  readonly resumeMs: number;
  /** A new session; what arrives waits for its receiver. */
  readonly onSession: (session: Session<MemberPeer>) => void;
  /** A stranger, or a member with the wrong papers, was turned away: for the log. */
  readonly onTurnedAway?: (failure: LinkFailure) => void;
  readonly handshakeMs?: number;
  readonly limits?: Partial<SessionLimits>;
  readonly rekeyBytes?: number;
  readonly now?: () => number;
  readonly random?: (length: number) => Uint8Array;
}

export interface SessionAcceptor {
  /** Takes the link over: it becomes part of a session, or is closed. */
  accept(link: Link): void;
  /** Ends all sessions, telling their members, and turns all links away from now on. */
  close(): void;
}

const DEFAULTS = { handshakeMs: 10_000, rekeyBytes: REKEY_BYTES, now: Date.now, random: randomBytes };

/** A member has one session; when it begins another, the one before is over as `replaced`. */
export const acceptSessions = (options: AcceptSessionsOptions): SessionAcceptor =>
  new Acceptor({ ...DEFAULTS, ...options, limits: { ...SESSION_LIMITS, ...options.limits } });

interface AcceptorOptions extends AcceptSessionsOptions {
  readonly handshakeMs: number;
  readonly limits: SessionLimits;
  readonly rekeyBytes: number;
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
}

/** A member's session, and what the member must show to go on with it. */
interface Seat {
  readonly sessionId: Uint8Array;
  readonly channel: SessionChannel<MemberPeer>;
}

class Acceptor implements SessionAcceptor {
  readonly #options: AcceptorOptions;
  readonly #seats = new Map<number, Seat>();
  #closed = false;

  constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  accept(link: Link): void {
    const { onTurnedAway } = this.#options;
    acceptSecureLink(link, { ...this.#options, admit: (member) => this.#admit(member) }).then(
      (failure) => {
        if (failure !== undefined) onTurnedAway?.(failure);
      },
      (error: unknown) => {
        onTurnedAway?.({ type: "closed", closed: { type: "receiver-failed", error } });
      },
    );
  }

  close(): void {
    this.#closed = true;
    for (const { channel } of this.#seats.values()) channel.end({ type: "closed-by-us" }, "shutting-down");
  }

  #admit(member: ProvenMember): Admission {
    if (this.#closed) return refuse("shutting-down");
    const seat = this.#seats.get(member.memberId);
    return member.resume === undefined
      ? this.#begin(member, seat)
      : resume(member.gatewayKey, member.resume, seat);
  }

  #begin({ memberId, gatewayKey }: ProvenMember, before: Seat | undefined): Admission {
    before?.channel.end({ type: "replaced" }, "replaced");
    const sessionId = this.#options.random(SESSION_ID_LENGTH);
    const channel = this.#newChannel({ type: "member", memberId, gatewayKey });
    this.#seats.set(memberId, { sessionId, channel });
    return {
      type: "admit",
      place: { sessionId, lastReceived: 0 },
      opened: (link) => {
        channel.attach(link, 0);
        this.#options.onSession(channel);
      },
    };
  }

  #newChannel(peer: MemberPeer): SessionChannel<MemberPeer> {
    const channel = new SessionChannel({
      peer,
      limits: this.#options.limits,
      resumeMs: this.#options.resumeMs,
      onLost: () => undefined,
      onOver: () => {
        if (this.#seats.get(peer.memberId)?.channel === channel) this.#seats.delete(peer.memberId);
      },
    });
    return channel;
  }
}

/** Only the gateway that began a session can go on with it. */
const resume = (gatewayKey: Uint8Array, place: SessionPlace, seat: Seat | undefined): Admission => {
  if (seat === undefined || !equalBytes(seat.sessionId, place.sessionId)) return refuse("session-unknown");
  const { channel } = seat;
  if (!equalBytes(channel.peer.gatewayKey, gatewayKey)) return refuse("session-unknown");
  if (!channel.resumeAt(place.lastReceived)) return refuse("resume-out-of-range");
  return {
    type: "admit",
    place: { sessionId: seat.sessionId, lastReceived: channel.lastReceived },
    opened: (link) => {
      channel.attach(link, place.lastReceived);
    },
  };
};

const refuse = (type: "shutting-down" | "session-unknown" | "resume-out-of-range"): Admission => ({
  type: "refuse",
  refusal: { type },
});
