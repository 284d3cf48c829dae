/** Rows side by side in one rectangle: each in a sequence of its own, or several short ones behind each other. */
import type { TokenRow } from "./token-row.ts";

/** `sequences` times `length` values each, row-major. */
export interface TokenBatch {
  readonly sequences: number;
  readonly length: number;
  readonly ids: Int32Array;
  readonly learn: Uint8Array;
  /** Tokens see those of the same number alone: 1, 2, … by the order in the sequence, 0 for padding. */
  readonly segments: Int32Array;
  /** A token's place in its own row. */
  readonly positions: Int32Array;
}

export interface Rectangle {
  /** The id of padding. */
  readonly pad: number;
  /** Of a sequence; it must hold the longest row. */
  readonly length: number;
}

/** One row in each sequence, at its start. */
export const padRows = (rows: readonly TokenRow[], rectangle: Rectangle): TokenBatch =>
  filledBatch(
    rows.map((row) => [row]),
    rectangle,
  );

/**
 * Puts rows together, longest first, each into the sequence where the least room is left beside it; among equals the first.
 * The order of rows within the batch is therefore not theirs.
 */
export const packRows = (rows: readonly TokenRow[], rectangle: Rectangle): TokenBatch => {
  const order = rows.map((_, i) => i).sort((a, b) => rows[b]!.ids.length - rows[a]!.ids.length || a - b);
  const sequences: TokenRow[][] = [];
  /** The sequences that have so much room. */
  const byRoom = Array.from({ length: rectangle.length + 1 }, (): number[] => []);
  for (const index of order) {
    const row = rows[index]!;
    checkFits(row, rectangle);
    const room = byRoom.findIndex((list, left) => left >= row.ids.length && list.length > 0);
    const sequence = room < 0 ? sequences.push([]) - 1 : byRoom[room]!.shift()!;
    sequences[sequence]!.push(row);
    byRoom[(room < 0 ? rectangle.length : room) - row.ids.length]!.push(sequence);
  }
  return filledBatch(sequences, rectangle);
};

const filledBatch = (sequences: readonly (readonly TokenRow[])[], rectangle: Rectangle): TokenBatch => {
  const { pad, length } = rectangle;
  const size = sequences.length * length;
  const batch = {
    sequences: sequences.length,
    length,
    ids: new Int32Array(size).fill(pad),
    learn: new Uint8Array(size),
    segments: new Int32Array(size),
    positions: new Int32Array(size),
  };
  for (const [sequence, rows] of sequences.entries()) {
    let at = sequence * length;
    for (const [segment, row] of rows.entries()) {
      checkFits(row, rectangle);
      batch.ids.set(row.ids, at);
      batch.learn.set(row.learn, at);
      batch.segments.fill(segment + 1, at, at + row.ids.length);
      for (let i = 0; i < row.ids.length; i++) batch.positions[at + i] = i;
      at += row.ids.length;
    }
  }
  return batch;
};

const checkFits = ({ row, ids }: TokenRow, { length }: Rectangle): void => {
  if (ids.length > length) throw new RangeError(`row ${row} has ${ids.length} tokens, a sequence ${length}`);
};
