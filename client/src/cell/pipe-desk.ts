/**
 * The cell's end of its pipe: takes what comes to whoever is at work, certifies the gateway's key, and hands frames to
 * the gateway in order. Sessions are counted by epochs; what was waiting for an earlier one is dropped with it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { encodeCanonical, ShapeError } from "@bulkhead/base";
import { certifyGateway, gatewayCertificate, LONGEST_CERTIFICATE_MS } from "@bulkhead/crypto";
import {
  type ClientFrame,
  type CoordinatorFrame,
  decodeCoordinatorFrame,
  encodeFrame,
} from "@bulkhead/protocol";
import { encodeNews, type News } from "../news.ts";
import type { Channel } from "../child-channel.ts";
import type { EgressRefusal, OverCode, PipeMessage } from "../pipe.ts";
import type { Membership } from "./membership.ts";
import { Outbox } from "./outbox.ts";

/** What the cell needs of its pipe. */
export type CellPipe = Pick<Channel, "messages" | "send">;

export type DeskEvent =
  | { readonly type: "frame"; readonly frame: CoordinatorFrame }
  /** Bytes that are no frame. */
  | { readonly type: "malformed" }
  | { readonly type: "linked" }
  | { readonly type: "lost" }
  | { readonly type: "not-sent"; readonly code: EgressRefusal }
  | { readonly type: "stop"; readonly withdraws: boolean };

/** Whoever is at work; the next message is read when the promise has resolved. */
type Listener = (event: DeskEvent) => void | Promise<void>;

/** Why there will be no link any more, or nobody at the other end of the pipe. */
export type DeskEnd = OverCode | "abandoned";

type Certifying = Pick<Membership, "identity" | "job" | "member">;

/** For what was sent last, a leave perhaps. */
const FAREWELL_MS = 5000;
/** Far more than one attempt has. */
const MOST_WAITING = 64;
const RENEW_AFTER_MS = LONGEST_CERTIFICATE_MS / 2;

export class PipeDesk {
  /** Resolves when nothing more can come of waiting. */
  readonly ended: Promise<DeskEnd>;
  readonly #channel: CellPipe;
  readonly #outbox: Outbox;
  readonly #stopping = new AbortController();
  #end: (why: DeskEnd) => void = () => {};
  #listener: Listener | undefined;
  #isLinked = false;
  #stop: Extract<DeskEvent, { readonly type: "stop" }> | undefined;
  #gatewayKey: Uint8Array | undefined;
  #certify: ((gatewayKey: Uint8Array) => Uint8Array) | undefined;
  #renewal: NodeJS.Timeout | undefined;

  constructor(channel: CellPipe) {
    this.#channel = channel;
    this.#outbox = new Outbox((bytes) => this.#say({ type: "frame", bytes }));
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    void this.#read().then(
      () => this.#end("abandoned"),
      () => this.#end("failed"),
    );
  }

  /** Aborted when an operator wants the run to end. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  get withdraws(): boolean {
    return this.#stop?.withdraws ?? false;
  }

  /** The gateway may reach the coordinator from now on: all that had to be checked before has been. */
  admitGateway(membership: Certifying): void {
    this.#certify = (gatewayKey) => certificateFor(membership, gatewayKey);
    void this.#sendCertificate();
  }

  /** Hears at once how things stand. */
  listen(listener: Listener): void {
    this.#listener = listener;
    if (this.#isLinked) void listener({ type: "linked" });
    if (this.#stop !== undefined) void listener(this.#stop);
  }

  readonly send = (frame: ClientFrame): void => {
    this.#outbox.post(encodeFrame(frame));
  };

  /** Before any later frame; read only as fast as the gateway takes it. */
  readonly stream = (frames: Iterable<ClientFrame>): void => {
    this.#outbox.stream(encoded(frames));
  };

  readonly tell = (news: News): void => {
    void this.#say({ type: "news", json: encodeNews(news) });
  };

  /** Resolves when the gateway has taken all that was sent, or there is none that would in time. */
  async close(): Promise<void> {
    clearTimeout(this.#renewal);
    this.#listener = undefined;
    if (this.#isLinked) {
      const late = new AbortController();
      const timeout = sleep(FAREWELL_MS, undefined, { signal: late.signal }).catch(() => undefined);
      await Promise.race([this.#outbox.drained(), this.ended, timeout]);
      late.abort();
    }
    await this.#say({ type: "close" });
  }

  async #read(): Promise<void> {
    for await (const message of this.#channel.messages) await this.#hear(message);
  }

  #hear(message: PipeMessage): void | Promise<void> {
    switch (message.type) {
      case "gateway-key":
        return this.#onGatewayKey(message.bytes);
      case "link":
        return message.state === "lost" ? this.#onLost() : this.#onLinked(message);
      case "frame":
        return this.#onFrame(message.bytes);
      case "refused":
        return this.#listener?.({ type: "not-sent", code: message.code });
      case "over":
        return this.#end(message.code);
      case "stop":
        return this.#onStop(message.withdraws);
      case "start":
      case "passphrase":
      case "certificate":
      case "begin":
      case "close":
      case "news":
        throw new ShapeError("type", "a message for the cell");
    }
  }

  async #onGatewayKey(key: Uint8Array): Promise<void> {
    this.#gatewayKey = key;
    await this.#sendCertificate();
    // A gateway that was started anew: the link of the one before is gone with it.
    if (this.#isLinked) await this.#onLost();
  }

  /** A coordinator that makes this side answer and does not read is read no further: else the memory would fill. */
  async #onFrame(bytes: Uint8Array): Promise<void> {
    if (this.#outbox.waiting > MOST_WAITING) await this.#outbox.drained();
    await this.#listener?.(frameEvent(bytes));
  }

  async #onLinked({ state, epoch }: { readonly state: string; readonly epoch: number }): Promise<void> {
    if (state === "fresh") {
      this.#outbox.clear();
      await this.#say({ type: "begin", epoch });
    }
    this.#isLinked = true;
    await this.#listener?.({ type: "linked" });
  }

  #onLost(): void | Promise<void> {
    this.#isLinked = false;
    return this.#listener?.({ type: "lost" });
  }

  #onStop(withdraws: boolean): void | Promise<void> {
    this.#stop = { type: "stop", withdraws: withdraws || this.withdraws };
    this.#stopping.abort();
    return this.#listener?.(this.#stop);
  }

  async #sendCertificate(): Promise<void> {
    if (this.#gatewayKey === undefined || this.#certify === undefined) return;
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => void this.#sendCertificate(), RENEW_AFTER_MS).unref();
    await this.#say({ type: "certificate", bytes: this.#certify(this.#gatewayKey) });
  }

  #say(message: PipeMessage): Promise<void> {
    return this.#channel.send(message);
  }
}

const certificateFor = ({ identity, job, member }: Certifying, gatewayKey: Uint8Array): Uint8Array => {
  const notBefore = Date.now();
  const certificate = certifyGateway(identity.signing.secretKey, {
    contractDigest: job.contractHash,
    memberId: member,
    gatewayKey,
    notBefore,
    notAfter: notBefore + LONGEST_CERTIFICATE_MS,
  });
  return encodeCanonical(gatewayCertificate, certificate);
};

const frameEvent = (bytes: Uint8Array): DeskEvent => {
  try {
    return { type: "frame", frame: decodeCoordinatorFrame(bytes) };
  } catch (error) {
    if (error instanceof ShapeError) return { type: "malformed" };
    throw error;
  }
};

function* encoded(frames: Iterable<ClientFrame>): Generator<Uint8Array> {
  for (const frame of frames) yield encodeFrame(frame);
}
