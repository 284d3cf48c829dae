/**
 * A link carries whole byte messages both ways, in order, and says once why it ended. What stands below may be a
 * WebSocket, a queue in memory, or another link that this one encrypts.
 */

/**
 * Takes one message; while a promise that it returned is pending, the link reads no further, and hears of nothing, the
 * peer's close included.
 */
export type Receive = (message: Uint8Array) => void | Promise<void>;

export interface Link {
  /** The longest message that `send` takes. */
  readonly maxMessageBytes: number;
  /**
   * Resolves once the message may be followed by another: what waits to go out is below the high-water mark. Calls
   * keep their order, awaited or not. The message belongs to the link from here on and must not be changed. Rejects
   * with a {@link LinkClosedError} when the link is closed (which may be ignored: `onClose` says it too), with a
   * plain error when the message is too long for it.
   */
  send(message: Uint8Array): Promise<void>;
  /**
   * One receiver at a time; messages that arrive before there is one wait. When the peer closes, what it sent before
   * is handed over first. A receiver that throws or rejects ends the link.
   */
  onMessage(receive: Receive): void;
  /** Told once, also when the link had ended before. */
  onClose(closed: (reason: LinkClosed) => void): void;
  /** `reason` is for people, at most 80 printable ASCII characters of it travel. What was sent before still goes out. */
  close(reason?: string): void;
  /** The peer has proven who it is: limits on strangers, where the link has any, end here. */
  admit(): void;
}

export type LinkClosed =
  | { readonly type: "closed-by-us" }
  /** `code` as in RFC 6455, 7.4; `text` is the peer's, cut to printable ASCII. */
  | { readonly type: "closed-by-peer"; readonly code: number; readonly text: string }
  | { readonly type: "idle"; readonly afterMs: number }
  | { readonly type: "frame-too-large"; readonly receiver: "us" | "peer" }
  /** `detail` is one of our own words or a code of the WebSocket library, never the peer's text. */
  | { readonly type: "protocol-violation"; readonly detail: string }
  /** The connection below broke, without a close; `detail` is a word of ours. */
  | { readonly type: "unreachable"; readonly detail: string }
  /** A limit on strangers was passed before the peer had proven who it is. */
  | { readonly type: "not-admitted"; readonly limit: "time" | "bytes" }
  /** Our own receiver threw: a bug of ours, kept for the log. */
  | { readonly type: "receiver-failed"; readonly error: unknown };

export class LinkClosedError extends Error {
  override readonly name = "LinkClosedError";
  readonly closed: LinkClosed;

  constructor(closed: LinkClosed) {
    super(`link closed: ${closed.type}`);
    this.closed = closed;
  }
}

const LONGEST_TEXT = 80;

/** What may be shown of a stranger's text: printable ASCII, at most 80 characters. */
export const printable = (text: string): string => text.slice(0, LONGEST_TEXT).replaceAll(/[^ -~]/gu, "?");

/** Marks a rejection as seen: who does not await a `send` hears of the failure through `onClose` or `onState`. */
export const mayBeIgnored = <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(() => undefined);
  return promise;
};

/** What `send` gives when the link is closed or the message too long for it, or `undefined` if it may go on. */
export const cannotSend = (
  { maxMessageBytes }: Link,
  message: Uint8Array,
  closed: LinkClosed | undefined,
): Promise<void> | undefined => {
  if (closed !== undefined) return mayBeIgnored(Promise.reject(new LinkClosedError(closed)));
  if (message.length <= maxMessageBytes) return undefined;
  return Promise.reject(
    new RangeError(`a message of ${message.length} bytes, and the link takes ${maxMessageBytes}`),
  );
};
