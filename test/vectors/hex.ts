import { hexToBytes } from "@bulkhead/base";

/** The bytes of a known answer; a typing error in a vector fails the test. */
export const hex = (digits: string): Uint8Array => {
  const bytes = hexToBytes(digits);
  if (bytes === undefined) throw new Error("not hexadecimal");
  return bytes;
};

/** The bytes first, first + 1, ... */
export const counting = (first: number, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => first + i);
