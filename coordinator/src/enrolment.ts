/**
 * Who may connect: the members that the contract names, each over one session at a time. What they send is decoded
 * here, once they have proven who they are; a member that sends anything else loses its session, and nobody else does.
 */
import { ShapeError } from "@bulkhead/base";
import type { SigningKeys } from "@bulkhead/crypto";
import { type ClientFrame, decodeClientFrame, type Job } from "@bulkhead/protocol";
import { memberId, type MemberId } from "@bulkhead/secagg";
import {
  acceptSessions,
  type Link,
  type LinkFailure,
  type MemberPeer,
  type Session,
  type SessionAcceptor,
  type SessionLimits,
  type SessionOver,
} from "@bulkhead/transport";
import type { MemberDesk } from "./member-desk.ts";

interface EnrolmentOptions {
  readonly job: Job;
  readonly providerKeys: SigningKeys;
  readonly sessionLimits: Partial<SessionLimits>;
  readonly desks: ReadonlyMap<MemberId, MemberDesk>;
  readonly events: EnrolmentEvents;
}

export type Presence = "linked" | "link-lost" | "session-over" | "malformed";

interface EnrolmentEvents {
  /** The next frame of this member comes after the promise. A {@link ShapeError} ends its session. */
  readonly onFrame: (from: MemberId, frame: ClientFrame) => void | Promise<void>;
  /** Somebody came or went; `why` is for the log. */
  readonly onPresence: (id: MemberId, presence: Presence, why: string | undefined) => void;
  /** Away for longer than the contract waits. */
  readonly onLost: (id: MemberId) => void;
  readonly onTurnedAway: (failure: LinkFailure) => void;
  readonly onFailure: (error: unknown) => void;
}

export class Enrolment {
  readonly #options: EnrolmentOptions;
  readonly #acceptor: SessionAcceptor;
  readonly #absences = new Map<MemberId, NodeJS.Timeout>();

  constructor(options: EnrolmentOptions) {
    const { job, events } = options;
    this.#options = options;
    this.#acceptor = acceptSessions({
      providerKeys: options.providerKeys,
      contractDigest: job.contractHash,
      memberKey: (number) => this.#member(number)?.publicKey,
      resumeMs: job.contract.timing.resumeMs,
      limits: options.sessionLimits,
      onSession: (session) => this.#onSession(session),
      onTurnedAway: events.onTurnedAway,
    });
  }

  accept(link: Link): void {
    this.#acceptor.accept(link);
  }

  /** Ends all sessions; members are told that the coordinator shuts down. */
  close(): void {
    for (const timer of this.#absences.values()) clearTimeout(timer);
    for (const desk of this.#options.desks.values()) desk.end();
    this.#acceptor.close();
  }

  #member(number: number) {
    const { job } = this.#options;
    return number >= 1 && number <= job.members.length ? job.memberById.get(memberId(number)) : undefined;
  }

  #onSession(session: Session<MemberPeer>): void {
    const id = memberId(session.peer.memberId);
    const desk = this.#options.desks.get(id)!;
    const { events } = this.#options;
    clearTimeout(this.#absences.get(id));
    desk.begin(session);
    session.onState((state) => {
      if (!desk.holds(session)) return;
      if (state.type === "over") return this.#onOver(id, state.reason);
      desk.setLinked(state.type !== "lost");
      events.onPresence(id, state.type === "lost" ? "link-lost" : "linked", undefined);
    });
    session.onMessage((bytes) => (desk.holds(session) ? this.#onBytes(desk, bytes) : undefined));
    events.onPresence(id, "linked", undefined);
  }

  #onOver(id: MemberId, reason: SessionOver): void {
    const { events, job } = this.#options;
    this.#options.desks.get(id)!.end();
    if (reason.type === "replaced") return;
    if (reason.type === "failed") events.onFailure(reason.error);
    events.onPresence(id, "session-over", reason.type);
    const hasWaited = reason.type === "link-lost";
    const lost = () => events.onLost(id);
    if (hasWaited) return lost();
    // A gateway that starts again takes a session of its own: it has as long as one whose link was lost.
    this.#absences.set(id, setTimeout(lost, job.contract.timing.resumeMs).unref());
  }

  async #onBytes(desk: MemberDesk, bytes: Uint8Array): Promise<void> {
    const { events } = this.#options;
    const { id } = desk.member;
    desk.countReceived(bytes.length);
    try {
      await events.onFrame(id, decodeClientFrame(bytes));
    } catch (error) {
      if (error instanceof ShapeError) this.#onMalformed(desk, error);
      else events.onFailure(error);
    }
  }

  #onMalformed(desk: MemberDesk, error: ShapeError): void {
    this.#options.events.onPresence(desk.member.id, "malformed", error.message);
    desk.refuse();
  }
}
