/**
 * One direction of a secure link: each message is sealed under the next nonce of a counter, so that a record that was
 * changed, left out, repeated or moved does not open. After `rekeyBytes` the key is replaced by one derived from it.
 */
import { deriveSecret, open, seal } from "@bulkhead/crypto";
import { utf8, type Secret } from "@bulkhead/base";

/** What a record is longer than its message. */
export const RECORD_OVERHEAD = 16;

/** Both ends must count alike, so this is part of the protocol; other values are for tests. */
export const REKEY_BYTES = 2 ** 30;

const NOTHING = new Uint8Array(0);
const REKEY_LABEL = utf8("bulkhead/1 link rekey");

export class RecordCipher {
  #key: Secret;
  readonly #rekeyBytes: number;
  #counter = 0;
  #bytes = 0;

  /** Takes ownership of `key`. */
  constructor(key: Secret, rekeyBytes: number) {
    this.#key = key;
    this.#rekeyBytes = rekeyBytes;
  }

  seal(message: Uint8Array): Uint8Array {
    const record = seal(this.#key, counterToNonce(this.#counter), message, NOTHING);
    this.#advance(record.length);
    return record;
  }

  /** Gives `undefined` for anything but the next record of the other end; the link is then of no more use. */
  open(record: Uint8Array): Uint8Array | undefined {
    const message = open(this.#key, counterToNonce(this.#counter), record, NOTHING);
    if (message !== undefined) this.#advance(record.length);
    return message;
  }

  wipe(): void {
    this.#key.wipe();
  }

  #advance(recordBytes: number): void {
    this.#counter += 1;
    this.#bytes += recordBytes;
    if (this.#bytes < this.#rekeyBytes) return;
    const next = deriveSecret({ secret: this.#key, salt: NOTHING, info: REKEY_LABEL });
    this.#key.wipe();
    this.#key = next;
    this.#counter = 0;
    this.#bytes = 0;
  }
}

/** Four zero bytes and the counter in eight; a key sees far less than 2^53 records before it is replaced. */
const counterToNonce = (counter: number): Uint8Array => {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(counter));
  return nonce;
};
