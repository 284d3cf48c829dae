/**
 * Copies at the speed of memory. `TypedArray.set` goes word by word where memory is shared, at half of that or less;
 * Node's `fill` with a buffer is one block copy, and fills as often as the buffer fits: here once.
 */
export const copyBytes = (into: Uint8Array, from: Uint8Array): void => {
  if (from.length > 0) Buffer.from(into.buffer, into.byteOffset, from.length).fill(from);
};
