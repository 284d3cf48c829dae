/** Joins byte arrays into one fresh array. */
export const concatBytes = (...parts: readonly Uint8Array[]): Uint8Array => {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
};

/** Text that has no UTF-8 throws: a lone surrogate would become U+FFFD, and two texts would have the same bytes. */
export const utf8 = (text: string): Uint8Array => {
  if (hasLoneSurrogate(text)) throw new RangeError("text with a lone surrogate has no UTF-8");
  return new TextEncoder().encode(text);
};

export const hasLoneSurrogate = (text: string): boolean => /\p{Surrogate}/u.test(text);

/** Strict UTF-8: malformed bytes throw instead of turning into replacement characters. */
export const utf8ToText = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

/** Whether two byte arrays are equal; takes the same time wherever the first difference stands. */
export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
};

export const bytesToHex = (bytes: Uint8Array): string => {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
};

/** Gives `undefined` unless `hex` is an even number of lower-case hexadecimal digits. */
export const hexToBytes = (hex: string): Uint8Array | undefined => {
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/u.test(hex)) return undefined;
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
};

/** Four bytes, big-endian; throws on anything but an integer from 0 to 2^32 - 1. */
export const u32ToBytes = (value: number): Uint8Array => {
  if (value >>> 0 !== value) throw new RangeError("not an unsigned integer of 4 bytes");
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
};
