/** The order of rows that GGUF gives the query and key projections of the Llama family, and its undoing. */
import { invariant } from "@bulkhead/base";

/**
 * Rows of `q` or `k` (or a bias: rows of one) as Hugging Face has them, from a GGUF file of architecture `llama`: there
 * the two halves of each head, which rotary positions turn together, are interleaved. Other architectures (`qwen2`,
 * `qwen3`, …) are stored as they are.
 */
export const undoRopePermutation = <T extends Float32Array | Uint16Array>(
  values: T,
  heads: number,
  rows: number,
): T => {
  const pairs = rows / heads / 2;
  const width = values.length / rows;
  invariant(Number.isInteger(pairs) && Number.isInteger(width), "heads of an even number of whole rows");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `slice` gives what it was called on
  const undone = values.slice() as T;
  for (let row = 0; row < rows; row++) {
    const head = Math.floor(row / (2 * pairs));
    const within = row % (2 * pairs);
    const to = head * 2 * pairs + (within % 2) * pairs + (within >> 1);
    undone.set(values.subarray(row * width, (row + 1) * width), to * width);
  }
  return undone;
};
