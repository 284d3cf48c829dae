/** A link over an open WebSocket (RFC 6455), the same for both sides. */
import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { Inbox } from "./inbox.ts";
import { LinkEnd } from "./link-end.ts";
import { cannotSend, printable, type Link, type LinkClosed, type Receive } from "./link.ts";

interface WebSocketLinkOptions {
  readonly maxFrameBytes: number;
  /** Above this many unsent bytes `send` makes its caller wait. */
  readonly highWaterBytes: number;
  readonly pingEveryMs: number;
  /** Without a byte from the peer for this long the link ends as `idle`; time in which we do not read counts not. */
  readonly idleAfterMs: number;
  readonly onAdmit?: () => void;
}

export const WEBSOCKET_DEFAULTS = {
  maxFrameBytes: 2 ** 21,
  highWaterBytes: 2 ** 20,
  pingEveryMs: 15_000,
  idleAfterMs: 60_000,
} as const;

/** What `ws` is told for each socket; a peer that does not answer our close is cut off after `closeTimeout`. */
export const WEBSOCKET_SETTINGS = {
  perMessageDeflate: false,
  maxFragments: 64,
  closeTimeout: 5000,
} as const;

/** Both sides name it, so that neither talks to another kind of WebSocket by mistake. */
export const SUBPROTOCOL = "bulkhead";

const NORMAL_CLOSURE = 1000;
const UNSUPPORTED_DATA = 1003;
const LOST_WITHOUT_CLOSE = 1006;
const MESSAGE_TOO_BIG = 1009;
const INTERNAL_ERROR = 1011;

export class WebSocketLink implements Link {
  readonly maxMessageBytes: number;
  readonly #socket: WebSocket;
  readonly #stream: Socket;
  readonly #options: WebSocketLinkOptions;
  readonly #end = new LinkEnd();
  readonly #inbox: Inbox;
  readonly #pinging: NodeJS.Timeout;
  #heardAt = performance.now();
  #bytesHeard = 0;

  /** `stream` is what the WebSocket runs over; its count of bytes shows that the peer lives. */
  constructor(socket: WebSocket, stream: Socket, options: WebSocketLinkOptions) {
    this.#socket = socket;
    this.#stream = stream;
    this.#options = options;
    this.maxMessageBytes = options.maxFrameBytes;
    this.#inbox = new Inbox({
      onDrained: () => {
        if (socket.isPaused) socket.resume();
      },
      onFailure: (error) => {
        this.#finish({ type: "receiver-failed", error }, INTERNAL_ERROR);
      },
    });
    socket.on("message", this.#onSocketMessage);
    socket.on("error", this.#onSocketError);
    socket.on("close", this.#onSocketClose);
    this.#pinging = setInterval(this.#ping, options.pingEveryMs);
  }

  send(message: Uint8Array): Promise<void> {
    const refused = cannotSend(this, message, this.#end.closed);
    if (refused !== undefined) return refused;
    this.#socket.send(message, { binary: true }, () => {
      if (this.#isBelowHighWater()) this.#end.releaseSenders();
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
    this.#finish({ type: "closed-by-us" }, NORMAL_CLOSURE, reason);
  }

  admit(): void {
    this.#options.onAdmit?.();
  }

  /** Ends the link at once, without a closing handshake. */
  cut(reason: LinkClosed): void {
    this.#finish(reason);
    this.#socket.terminate();
  }

  #isBelowHighWater(): boolean {
    return this.#socket.bufferedAmount <= this.#options.highWaterBytes;
  }

  readonly #onSocketMessage = (data: RawData, isBinary: boolean): void => {
    if (this.#end.closed !== undefined) return;
    if (!isBinary || !(data instanceof Uint8Array)) {
      this.#finish({ type: "protocol-violation", detail: "text-message" }, UNSUPPORTED_DATA);
      return;
    }
    this.#inbox.put(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    if (!this.#inbox.isDrained && this.#socket.readyState === this.#socket.OPEN) this.#socket.pause();
  };

  /** `ws` answers a broken frame with the right close code by itself. */
  readonly #onSocketError = (error: Error & { readonly code?: string }): void => {
    const code = error.code ?? "unknown";
    if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH")
      this.#finish({ type: "frame-too-large", receiver: "us" });
    else if (code.startsWith("WS_ERR_")) this.#finish({ type: "protocol-violation", detail: code });
    else this.cut({ type: "unreachable", detail: printable(code) });
  };

  readonly #onSocketClose = (code: number, text: Buffer): void => {
    clearInterval(this.#pinging);
    if (!this.#end.decide(closeToReason(code, text))) return;
    this.#inbox.end(() => {
      this.#end.tell();
    }, true);
  };

  readonly #ping = (): void => {
    const now = performance.now();
    if (this.#socket.isPaused || this.#stream.bytesRead !== this.#bytesHeard) {
      this.#heardAt = now;
      this.#bytesHeard = this.#stream.bytesRead;
    }
    if (now - this.#heardAt >= this.#options.idleAfterMs)
      this.cut({ type: "idle", afterMs: this.#options.idleAfterMs });
    else if (this.#end.closed === undefined) this.#socket.ping();
  };

  #finish(reason: LinkClosed, code?: number, text = ""): void {
    if (!this.#end.decide(reason)) return;
    clearInterval(this.#pinging);
    this.#inbox.close();
    // A paused socket would not see the peer's answer to our close.
    this.#socket.resume();
    if (code !== undefined) this.#socket.close(code, printable(text));
    this.#end.tell();
  }
}

const closeToReason = (code: number, text: Buffer): LinkClosed => {
  if (code === LOST_WITHOUT_CLOSE) return { type: "unreachable", detail: "connection-lost" };
  if (code === MESSAGE_TOO_BIG) return { type: "frame-too-large", receiver: "peer" };
  return { type: "closed-by-peer", code, text: printable(text.toString("latin1")) };
};
