/**
 * Arithmetic on whole vectors the plain way: lane by lane, little-endian, modulo 2^16 or 2^32, one keystream a segment.
 * Vectors of a story are short; the engines that add long ones are held to the same results in the tests.
 */
import { invariant } from "@bulkhead/base";
import { keystream, segmentNonce } from "@bulkhead/crypto";
import type { MaskStream } from "@bulkhead/protocol";
import { CHECK_LANES, type RingLayout } from "@bulkhead/secagg";

/** Adds `sign` times the lanes of `from` to those of `into`, in place. */
export const addLanes = (
  { laneBits }: RingLayout,
  into: Uint8Array,
  { from, sign }: { readonly from: Uint8Array; readonly sign: 1 | -1 },
): void => {
  invariant(into.length === from.length, "vectors of one length are added");
  const target = new DataView(into.buffer, into.byteOffset, into.length);
  const source = new DataView(from.buffer, from.byteOffset, from.length);
  for (let at = 0; at < into.length; at += laneBits / 8)
    if (laneBits === 16)
      target.setUint16(at, target.getUint16(at, true) + sign * source.getUint16(at, true), true);
    else target.setUint32(at, target.getUint32(at, true) + sign * source.getUint32(at, true), true);
};

/** Adds each stream with its sign, in place; the keys stay as they are. */
export const addStreams = (layout: RingLayout, into: Uint8Array, streams: readonly MaskStream[]): void => {
  for (const { key, sign } of streams) addLanes(layout, into, { from: maskOf(layout, key.reveal()), sign });
};

/** PRG(key, segment), segment after segment (protocol.md 2.3). */
const maskOf = ({ laneBits, segmentLanes, byteLength }: RingLayout, key: Uint8Array): Uint8Array => {
  const mask = new Uint8Array(byteLength);
  let at = 0;
  for (const [segment, lanes] of segmentLanes.entries()) {
    const length = (lanes * laneBits) / 8;
    mask.set(keystream({ key, nonce: segmentNonce(segment), offset: 0 }, length), at);
    at += length;
  }
  return mask;
};

/** Sets the payload between the check lanes of each segment. */
export const withCheckLanes = (layout: RingLayout, payload: Uint8Array): Uint8Array => {
  const vector = new Uint8Array(layout.byteLength);
  const width = layout.laneBits / 8;
  const margin = CHECK_LANES * width;
  let from = 0;
  let at = 0;
  for (const lanes of layout.segmentLanes) {
    const length = lanes * width - 2 * margin;
    vector.set(payload.subarray(from, from + length), at + margin);
    from += length;
    at += lanes * width;
  }
  return vector;
};

export const areCheckLanesZero = (layout: RingLayout, vector: Uint8Array): boolean => {
  const width = layout.laneBits / 8;
  const margin = CHECK_LANES * width;
  let at = 0;
  for (const lanes of layout.segmentLanes) {
    const end = at + lanes * width;
    const edges = [vector.subarray(at, at + margin), vector.subarray(end - margin, end)];
    if (edges.some((edge) => edge.some((byte) => byte !== 0))) return false;
    at = end;
  }
  return true;
};
