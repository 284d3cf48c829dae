/** The client's side of a session: dials, proves itself, and dials again until the session has a link or its time is up. */
import { type GatewayCertificate, randomBytes, type SigningKeys } from "@bulkhead/crypto";
import { equalBytes, InputError } from "@bulkhead/base";
import { BACKOFF, backoffMs, type Backoff } from "./backoff.ts";
import { isWorthRetrying } from "./dial-problem.ts";
import type { Link } from "./link.ts";
import type { LinkFailure } from "./link-failure.ts";
import { openSecureLink, type Opening } from "./open-secure-link.ts";
import { REKEY_BYTES } from "./record-cipher.ts";
import { SESSION_LIMITS, SessionChannel, type SessionLimits } from "./session-channel.ts";
import type { CoordinatorPeer, Session, Trouble } from "./session.ts";

export interface DialSessionOptions {
  /** One try at reaching the coordinator; an `InputError` says why it cannot be reached. */
  readonly dial: () => Promise<Link>;
  readonly providerKey: Uint8Array;
  readonly contractDigest: Uint8Array;
  readonly gateway: SigningKeys;
  /** Asked for before each handshake, since it may have run out since the last. Names the member. */
  readonly certificate: () => GatewayCertificate | Promise<GatewayCertificate>;
  /** How long the session waits for a link, at its beginning and whenever it has lost one. */
  readonly resumeMs: number;
  readonly handshakeMs?: number;
  readonly backoff?: Backoff;
  readonly limits?: Partial<SessionLimits>;
  readonly rekeyBytes?: number;
  readonly now?: () => number;
  readonly random?: (length: number) => Uint8Array;
}

const DEFAULTS = {
  handshakeMs: 10_000,
  backoff: BACKOFF,
  rekeyBytes: REKEY_BYTES,
  now: Date.now,
  random: randomBytes,
};

type Opened = Extract<Opening, { readonly type: "open" }>;

/** Gives the session at once; `open` tells when its first link is there. */
export const dialSession = (options: DialSessionOptions): Session<CoordinatorPeer> => {
  const dialler = new Dialler({
    ...DEFAULTS,
    ...options,
    limits: { ...SESSION_LIMITS, ...options.limits },
  });
  dialler.search();
  return dialler.channel;
};

interface DiallerOptions extends DialSessionOptions {
  readonly handshakeMs: number;
  readonly backoff: Backoff;
  readonly limits: SessionLimits;
  readonly rekeyBytes: number;
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
}

/** Tries, one after the other, until one gives a link; a search ends with a link, or with the session. */
class Dialler {
  readonly channel: SessionChannel<CoordinatorPeer>;
  readonly #options: DiallerOptions;
  #sessionId: Uint8Array | undefined;
  #pause: NodeJS.Timeout | undefined;
  #attempt = 0;

  constructor(options: DiallerOptions) {
    this.#options = options;
    this.channel = new SessionChannel({
      peer: { type: "coordinator", providerKey: options.providerKey },
      limits: options.limits,
      resumeMs: options.resumeMs,
      onLost: () => {
        this.search();
      },
      onOver: () => {
        clearTimeout(this.#pause);
      },
    });
  }

  search(): void {
    this.#attempt = 0;
    this.#try();
  }

  #try(): void {
    this.#dialAndOpen().then(
      (opening) => {
        if (opening.type === "open") this.#onOpened(opening);
        else this.#onTrouble(opening.trouble);
      },
      (error: unknown) => {
        this.channel.end({ type: "failed", error });
      },
    );
  }

  async #dialAndOpen(): Promise<Opened | { readonly type: "trouble"; readonly trouble: Trouble }> {
    const { dial, certificate, ...options } = this.#options;
    try {
      const given = await certificate();
      const below = await dial();
      const resume = this.#sessionId && {
        sessionId: this.#sessionId,
        lastReceived: this.channel.lastReceived,
      };
      const opening = await openSecureLink(below, { ...options, certificate: given, resume });
      if (opening.type === "open") return opening;
      return { type: "trouble", trouble: { type: "not-opened", failure: opening.failure } };
    } catch (error) {
      if (error instanceof InputError)
        return { type: "trouble", trouble: { type: "not-reached", problem: error } };
      throw error;
    }
  }

  #onOpened({ link, sessionId, lastReceived }: Opened): void {
    if (this.channel.isOver) return link.close("too late");
    if (this.#sessionId !== undefined && !equalBytes(this.#sessionId, sessionId)) {
      link.close("another session");
      return this.channel.end({ type: "protocol-violation", detail: "resumption" });
    }
    this.#sessionId = sessionId;
    this.channel.attach(link, lastReceived);
  }

  #onTrouble(trouble: Trouble): void {
    if (this.channel.isOver) return;
    this.channel.noteTrouble(trouble);
    if (isFinal(trouble, this.channel.wasOpen)) return this.channel.end({ type: "cannot-open", trouble });
    const { backoff, random } = this.#options;
    const chance = new DataView(random(4).buffer).getUint32(0) / 2 ** 32;
    this.#pause = setTimeout(
      () => {
        this.#try();
      },
      backoffMs(backoff, this.#attempt, chance),
    );
    this.#attempt += 1;
  }
}

/**
 * Whether trying again is of no use. What the coordinator itself refuses stays refused. What anybody on the way could
 * have caused ends a session only where it has never been open: later it may be an accident of the network.
 */
const isFinal = (trouble: Trouble, wasOpen: boolean): boolean => {
  switch (trouble.type) {
    case "not-tried":
    case "link-closed":
      return false;
    case "not-reached":
      return !wasOpen && !isWorthRetrying(trouble.problem);
    case "not-opened":
      return isFinalFailure(trouble.failure, wasOpen);
  }
};

const isFinalFailure = (failure: LinkFailure, wasOpen: boolean): boolean => {
  if (failure.type === "refused")
    return failure.refusal.type !== "shutting-down" && (failure.proven || !wasOpen);
  const isTheirFault = ["wrong-coordinator", "not-understood", "weak-key"].includes(failure.type);
  return isTheirFault && !wasOpen;
};
