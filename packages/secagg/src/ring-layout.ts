/**
 * What a masked vector looks like: lanes of 16 or 32 bits, little-endian, in segments that each have a keystream of
 * their own. Eight zero lanes stand at both ends of every segment; unless they are zero again after unmasking, some
 * mask has not cancelled and the round is void (protocol.md S3).
 */
import { invariant } from "@bulkhead/base";

/** Zero lanes before and after the payload of each segment. */
export const CHECK_LANES = 8;

export type LaneBits = 16 | 32;

export interface RingLayout {
  readonly laneBits: LaneBits;
  /** Lanes that carry values: the update's coordinates, then the digits of its scalars. */
  readonly payloadLanes: number;
  /** Lanes per segment, the check lanes at both ends included. */
  readonly segmentLanes: readonly number[];
  /** All lanes, and what they take on the wire. */
  readonly lanes: number;
  readonly byteLength: number;
}

export interface RingSize {
  readonly laneBits: LaneBits;
  readonly payloadLanes: number;
  /** At most so many payload lanes stand in one segment; the last one takes what is left. */
  readonly segmentPayloadLanes: number;
}

export const ringLayout = ({ laneBits, payloadLanes, segmentPayloadLanes }: RingSize): RingLayout => {
  invariant(Number.isSafeInteger(payloadLanes) && payloadLanes > 0, "a vector has payload");
  invariant(Number.isSafeInteger(segmentPayloadLanes) && segmentPayloadLanes > 0, "a segment has payload");
  const segmentLanes = Array.from(
    { length: Math.ceil(payloadLanes / segmentPayloadLanes) },
    (_, segment) =>
      Math.min(segmentPayloadLanes, payloadLanes - segment * segmentPayloadLanes) + 2 * CHECK_LANES,
  );
  const lanes = payloadLanes + 2 * CHECK_LANES * segmentLanes.length;
  return { laneBits, payloadLanes, segmentLanes, lanes, byteLength: (lanes * laneBits) / 8 };
};

/** A copy of the payload, check lanes left out: what a sum is published as. */
export const payloadOf = (layout: RingLayout, bytes: Uint8Array): Uint8Array => {
  invariant(bytes.length === layout.byteLength, "a vector has the length of its layout");
  const laneBytes = layout.laneBits / 8;
  const payload = new Uint8Array(layout.payloadLanes * laneBytes);
  const margin = CHECK_LANES * laneBytes;
  let from = 0;
  let to = 0;
  for (const lanes of layout.segmentLanes) {
    const end = from + lanes * laneBytes;
    payload.set(bytes.subarray(from + margin, end - margin), to);
    to += lanes * laneBytes - 2 * margin;
    from = end;
  }
  return payload;
};
