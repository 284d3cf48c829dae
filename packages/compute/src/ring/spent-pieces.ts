/**
 * Gives the memory of keystream that has been used back at once. OpenSSL puts each piece into memory of its own, and the
 * garbage collector frees it only after 32 MB: by then pieces have gone through the whole cache, and often back to the
 * operating system. Given back at once, the same few pieces of memory are used again while they are in the cache.
 */
import { MessageChannel } from "node:worker_threads";
import type { OpenKeystream } from "@bulkhead/crypto";

/** To give back costs as much for a few pieces as for one. */
const TOGETHER = 4;

export interface SpentPieces {
  /** The stream's next bytes; what the call before gave is spent. */
  readonly next: (stream: OpenKeystream, length: number) => Uint8Array;
  readonly release: () => void;
}

export const spentPieces = (): SpentPieces => {
  let spent: ArrayBuffer[] = [];
  const release = (): void => {
    if (spent.length > 0) drain.postMessage(undefined, spent);
    spent = [];
  };
  return {
    next: (stream, length) => {
      if (spent.length >= TOGETHER) release();
      const bytes = stream.next(length);
      const { buffer } = bytes;
      // Memory that others live in is not ours to give.
      if (buffer instanceof ArrayBuffer && buffer.byteLength === length) spent.push(buffer);
      return bytes;
    },
    release,
  };
};

/** What is transferred to a closed port belongs to a message that nobody gets, and is freed with it. */
const { port1: drain } = new MessageChannel();
drain.close();
