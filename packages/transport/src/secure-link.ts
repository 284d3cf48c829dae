/** A link over another link, sealed both ways; the handshakes beside it make its keys. */
import { Inbox } from "./inbox.ts";
import { LinkEnd } from "./link-end.ts";
import { cannotSend, type Link, type LinkClosed, type Receive } from "./link.ts";
import { RECORD_OVERHEAD, type RecordCipher } from "./record-cipher.ts";
import type { TurnTaking } from "./turn-taking.ts";

interface RecordCiphers {
  readonly sealing: RecordCipher;
  readonly opening: RecordCipher;
}

/** Gives the application only what opened under the peer's key, in the order in which it was sealed. */
export class SecureLink implements Link {
  readonly maxMessageBytes: number;
  readonly #below: Link;
  readonly #ciphers: RecordCiphers;
  readonly #end = new LinkEnd();
  readonly #inbox: Inbox;
  #readOn: () => void = () => undefined;

  /** `turns` may hold messages that came behind the handshake. */
  constructor(below: Link, turns: TurnTaking, ciphers: RecordCiphers) {
    this.#below = below;
    this.#ciphers = ciphers;
    this.maxMessageBytes = below.maxMessageBytes - RECORD_OVERHEAD;
    this.#inbox = new Inbox({
      onDrained: () => {
        this.#readOn();
      },
      onFailure: (error) => {
        this.#finish({ type: "receiver-failed", error }, "receiver failed");
      },
    });
    turns.passTo((record) => this.#openRecord(record));
    below.onClose((reason) => {
      if (!this.#end.decide(reason)) return;
      this.#wipe();
      this.#inbox.end(() => {
        this.#end.tell();
      }, true);
    });
  }

  send(message: Uint8Array): Promise<void> {
    const refused = cannotSend(this, message, this.#end.closed);
    return refused ?? this.#below.send(this.#ciphers.sealing.seal(message));
  }

  onMessage(receive: Receive): void {
    this.#inbox.onMessage(receive);
  }

  onClose(closed: (reason: LinkClosed) => void): void {
    this.#end.onClose(closed);
  }

  close(reason = ""): void {
    this.#finish({ type: "closed-by-us" }, reason);
  }

  admit(): void {
    this.#below.admit();
  }

  #openRecord(record: Uint8Array): Promise<void> | undefined {
    if (this.#end.closed !== undefined) return undefined;
    const message = this.#ciphers.opening.open(record);
    if (message === undefined) {
      this.#finish({ type: "protocol-violation", detail: "record-not-authentic" }, "record not authentic");
      return undefined;
    }
    this.#inbox.put(message);
    if (this.#inbox.isDrained) return undefined;
    return new Promise((resolve) => {
      this.#readOn = resolve;
    });
  }

  #finish(reason: LinkClosed, text: string): void {
    if (!this.#end.decide(reason)) return;
    this.#wipe();
    this.#inbox.close();
    this.#end.tell();
    this.#below.close(text);
  }

  #wipe(): void {
    this.#ciphers.sealing.wipe();
    this.#ciphers.opening.wipe();
    this.#readOn();
  }
}
