/**
 * Which rows stand in which batch: the site's rows in one random order after another, cut into batches that go on over
 * rounds. Order e is drawn from the seed and e alone, so that any round can be trained again without those before it.
 */
import { openKeystream, type OpenKeystream, segmentNonce } from "@bulkhead/compute";

export interface DrawnFrom {
  /** 32 bytes. */
  readonly seed: Uint8Array;
  /** How many rows there are; at least one. */
  readonly rows: number;
}

/** The rows at positions `start` … `start + count` of the concatenated orders. */
export const drawRows = ({ seed, rows }: DrawnFrom, start: number, count: number): readonly number[] => {
  const orders = new Map<number, Uint32Array>();
  return Array.from({ length: count }, (_, i) => {
    const position = start + i;
    const epoch = Math.floor(position / rows);
    const order = orders.get(epoch) ?? orderOf(seed, rows, epoch);
    orders.set(epoch, order);
    return order[position % rows]!;
  });
};

/** In the first order, rows in blocks of neighbours; gives the block in which a row stands, in their order. */
export const firstBlocks = (
  { seed, rows }: DrawnFrom,
  size: number,
): ((row: number) => { readonly start: number; readonly rows: readonly number[] }) => {
  const order = orderOf(seed, rows, 0);
  const places = new Uint32Array(rows);
  for (const [place, row] of order.entries()) places[row] = place;
  return (row) => {
    const start = places[row]! - (places[row]! % size);
    return { start, rows: [...order.subarray(start, start + size)] };
  };
};

/** Fisher and Yates's shuffle over the ChaCha20 keystream of the seed whose nonce is the epoch. */
const orderOf = (seed: Uint8Array, rows: number, epoch: number): Uint32Array => {
  const stream = openKeystream({ key: seed, nonce: segmentNonce(epoch), offset: 0 });
  const order = Uint32Array.from({ length: rows }, (_, i) => i);
  for (let last = rows - 1; last > 0; last--) {
    const chosen = drawBelow(stream, last + 1);
    [order[last], order[chosen]] = [order[chosen]!, order[last]!];
  }
  return order;
};

/** Uniform below `bound`: words in the incomplete last stretch are thrown away. */
const drawBelow = (stream: OpenKeystream, bound: number): number => {
  const limit = 2 ** 32 - (2 ** 32 % bound);
  for (;;) {
    const word = new DataView(stream.next(4).buffer).getUint32(0, true);
    if (word < limit) return word % bound;
  }
};
