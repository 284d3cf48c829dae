/** The way to the coordinator: one session after the other, each with its number, until there is no use in another. */
import { InputError, type InputProblem } from "@bulkhead/base";
import { randomBytes, type SigningKeys } from "@bulkhead/crypto";
import type { Job } from "@bulkhead/protocol";
import {
  BACKOFF,
  type Backoff,
  backoffMs,
  dialSession,
  dialWebSocket,
  isWorthRetrying,
  type GatewayCertificate,
  type Link,
  type Session,
  type SessionOver,
  type SessionState,
} from "@bulkhead/transport";
import type { LinkState, OverCode } from "../pipe.ts";
import type { GatewaySettings } from "../settings.ts";
import { inFamily, isShutDown, stoppedProblem, verdictOf } from "./over.ts";

export interface UplinkOptions {
  readonly job: Job;
  readonly settings: GatewaySettings;
  readonly gateway: SigningKeys;
  readonly certificate: GatewayCertificate;
  /** The next frame is read when the promise of the one before has settled. */
  readonly onFrame: (bytes: Uint8Array) => Promise<void>;
  readonly onLink: (state: LinkState, epoch: number) => void;
  /** Why there is no link just now; once for each reason. */
  readonly onTrouble: (problem: InputProblem) => void;
  readonly onOver: (code: OverCode, problem: InputProblem) => void;
  readonly backoff?: Backoff;
}

/** A session that has lasted so long was a good one; so many bad ones in a row are enough. */
const GOOD_AFTER_MS = 10_000;
const MOST_BAD = 10;

/** A session that has been open and was lost for long is not resumed: another one looks on. */
const AGAIN = { type: "again", isRestart: false } as const;

export class Uplink {
  readonly #options: UplinkOptions;
  readonly #address: string;
  /** How long a session looks for a link: to begin with the site's own bound, later the contract's too. */
  #waitMs: number;
  readonly #troubles = new Set<string>();
  #certificate: GatewayCertificate;
  #session: Session;
  #openedAt: number | undefined;
  #bad = 0;
  /** The coordinator has said that it is shut down, and has not been there since. */
  #isStopped = false;
  #isClosed = false;
  #pause: NodeJS.Timeout | undefined;
  /** Counts sessions from the start's time on: a gateway started anew repeats none of its predecessor's numbers. */
  #epoch = Math.floor(Date.now() / 1000);

  constructor(options: UplinkOptions) {
    const { job, settings } = options;
    this.#options = options;
    this.#certificate = options.certificate;
    this.#address = settings.address ?? job.contract.provider.address;
    this.#waitMs = settings.reachMs;
    this.#session = this.#dial();
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** For handshakes from now on. */
  renew(certificate: GatewayCertificate): void {
    this.#certificate = certificate;
  }

  /** Resolves once the session takes more, or is over. */
  async send(frame: Uint8Array): Promise<void> {
    await this.#session.send(frame).catch(() => undefined);
  }

  /** Ends it in order: what was sent before goes out, if the link lasts and the coordinator takes it in time. */
  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#pause);
    const session = this.#session;
    const flushed = session.flush().catch(() => undefined);
    const late = new AbortController();
    const timeout = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      late.signal.addEventListener("abort", () => clearTimeout(timer));
    });
    await Promise.race([flushed, timeout]);
    late.abort();
    session.close();
  }

  #dial(): Session {
    const { job, gateway, backoff } = this.#options;
    const session = dialSession({
      dial: () => this.#dialOnce(),
      providerKey: job.providerKey,
      contractDigest: job.contractHash,
      gateway,
      certificate: () => this.#certificate,
      resumeMs: this.#waitMs,
      ...(backoff && { backoff }),
    });
    session.onState((state) => {
      if (session === this.#session && !this.#isClosed) this.#onState(state);
    });
    session.onMessage((bytes) => this.#options.onFrame(bytes));
    return session;
  }

  async #dialOnce(): Promise<Link> {
    const { proxy, extraRoots } = this.#options.settings;
    try {
      return await dialWebSocket({
        url: this.#address,
        proxy: proxy === "environment" || proxy === "none" ? proxy : new URL(proxy),
        ...(extraRoots !== undefined && { extraRoots }),
      });
    } catch (error) {
      if (error instanceof InputError) this.#tellTrouble(this.#troubleOf(error));
      throw error;
    }
  }

  #tellTrouble(problem: InputProblem): void {
    if (this.#troubles.has(problem.code)) return;
    this.#troubles.add(problem.code);
    this.#options.onTrouble(problem);
  }

  /** Where the coordinator was stopped, that it is not there has its reason. */
  #troubleOf(error: InputError): InputProblem {
    const cure = `it is waited for, up to ${Math.round(this.#waitMs / 1000)} s`;
    return this.#isStopped && isWorthRetrying(error) ? stoppedProblem(this.#address, cure) : inFamily(error);
  }

  #onState(state: SessionState): void {
    switch (state.type) {
      case "open":
        this.#openedAt = performance.now();
        this.#waitMs = Math.max(this.#options.job.contract.timing.resumeMs, this.#waitMs);
        this.#troubles.clear();
        this.#isStopped = false;
        this.#options.onLink("fresh", this.#epoch);
        return;
      case "restored":
        this.#troubles.clear();
        this.#options.onLink("restored", this.#epoch);
        return;
      case "lost":
        this.#options.onLink("lost", this.#epoch);
        return;
      case "over": {
        const { reason } = state;
        const wasLost = reason.type === "link-lost" && this.#openedAt !== undefined;
        const verdict = wasLost ? AGAIN : verdictOf(reason, this.#address);
        if (verdict.type === "over")
          return this.#end(verdict.code, this.#endProblem(reason, verdict.problem));
        this.#isStopped ||= isShutDown(reason);
        this.#again(state, verdict.isRestart);
      }
    }
  }

  #endProblem(reason: SessionOver, problem: InputProblem): InputProblem {
    return this.#isStopped && reason.type === "link-lost"
      ? stoppedProblem(this.#address, "run the same command again to go on")
      : problem;
  }

  #again({ reason }: Extract<SessionState, { readonly type: "over" }>, isRestart: boolean): void {
    const isGood = this.#openedAt !== undefined && performance.now() - this.#openedAt > GOOD_AFTER_MS;
    this.#bad = isGood || isRestart ? 0 : this.#bad + 1;
    if (this.#bad > MOST_BAD) {
      const cure = "see the coordinator's log, then start the client again";
      return this.#end("failed", {
        code: "link-unstable",
        place: this.#address,
        problem: `${MOST_BAD} sessions in a row did not last; the latest ended as: ${reason.type}`,
        cure,
      });
    }
    if (this.#openedAt !== undefined) this.#options.onLink("lost", this.#epoch);
    this.#openedAt = undefined;
    const chance = new DataView(randomBytes(4).buffer).getUint32(0) / 2 ** 32;
    this.#pause = setTimeout(
      () => {
        this.#epoch += 1;
        this.#session = this.#dial();
      },
      backoffMs(this.#options.backoff ?? BACKOFF, this.#bad, chance),
    );
  }

  #end(code: OverCode, problem: InputProblem): void {
    this.#isClosed = true;
    this.#options.onOver(code, problem);
  }
}
