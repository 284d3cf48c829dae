/** The floor of all masking: keystream that nobody uses, whose memory is given back while it is in the cache. */
import { MessageChannel } from "node:worker_threads";
import { openKeystream, segmentNonce } from "@bulkhead/crypto";

const PIECE = 64 * 1024;
/** So many pieces are given back at once, as the ring engine does. */
const SPENT = 4;

/** A port whose other end is gone takes what is transferred to it, and drops it. */
const { port1: closedPort } = new MessageChannel();
closedPort.close();

export const bareKeystream = (bytes: number): void => {
  const stream = openKeystream({ key: new Uint8Array(32), nonce: segmentNonce(0), offset: 0 });
  let spent: ArrayBuffer[] = [];
  for (let at = 0; at < bytes; at += PIECE) {
    const { buffer } = stream.next(Math.min(PIECE, bytes - at));
    if (buffer instanceof ArrayBuffer) spent.push(buffer);
    if (spent.length < SPENT) continue;
    closedPort.postMessage(undefined, spent);
    spent = [];
  }
};
