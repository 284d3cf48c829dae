/** A connection whose peer has not yet proven who it is: it has little time, and may say little. */
import type { Socket } from "node:net";
import type { WebSocketLink } from "./websocket-link.ts";

export class Stranger {
  readonly #socket: Socket;
  readonly #deadline: NodeJS.Timeout;
  #link: WebSocketLink | undefined;
  #bytes = 0;
  #mostBytes = Number.POSITIVE_INFINITY;

  constructor(socket: Socket, handshakeMs: number) {
    this.#socket = socket;
    this.#deadline = setTimeout(() => {
      this.#turnAway("time");
    }, handshakeMs);
    socket.once("close", this.admit);
  }

  /** From now on the bytes count, and whoever holds the link is told of a limit that was passed. */
  opened(link: WebSocketLink, mostBytes: number): void {
    this.#link = link;
    this.#mostBytes = mostBytes;
    // Before the WebSocket sees it.
    this.#socket.prependListener("data", this.#count);
  }

  /** Lifts both limits. */
  readonly admit = (): void => {
    clearTimeout(this.#deadline);
    this.#socket.off("data", this.#count);
  };

  readonly #count = (chunk: Uint8Array): void => {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#mostBytes) this.#turnAway("bytes");
  };

  #turnAway(limit: "time" | "bytes"): void {
    this.admit();
    this.#link?.cut({ type: "not-admitted", limit });
    this.#socket.destroy();
  }
}
