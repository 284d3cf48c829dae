/** All bytes and texts that can be reached from a value, each object once, secrets left out: what a dump of it would show. */
import { Secret } from "@bulkhead/base";

export class ByteWalk {
  readonly #seen = new WeakSet<object>();
  readonly bytes: Uint8Array[] = [];
  readonly texts = new Set<string>();

  add(value: unknown): void {
    if (typeof value === "string") this.texts.add(value);
    if (typeof value !== "object" || value === null || this.#seen.has(value)) return;
    this.#seen.add(value);
    if (value instanceof Secret) return;
    if (value instanceof Uint8Array) {
      this.bytes.push(Uint8Array.from(value));
      return;
    }
    const parts =
      value instanceof Map ? [...value].flat() : value instanceof Set ? value : Object.values(value);
    for (const part of parts) this.add(part);
  }
}
