/** What two people compare out of band before they trust a key (protocol.md 2.2). */
import { hashFields } from "./hash.ts";

const LABEL = "bulkhead/1 id";

export const fingerprint = (publicKey: Uint8Array): Uint8Array => hashFields(LABEL, publicKey);

/**
 * Twelve groups of five digits to read out: the fingerprint as a number of 256 bits, big-endian, modulo 10^60. A key
 * with a given number costs about 2^199 tries, and the remainder favours no number by more than one part in 2^56.
 */
export const safetyNumber = (publicKey: Uint8Array): string => {
  const number = fingerprint(publicKey).reduce((value, byte) => value * 256n + BigInt(byte), 0n);
  return groups((number % 10n ** 60n).toString().padStart(60, "0"), 5);
};

/** The whole fingerprint to copy: base32 (RFC 4648) in thirteen groups of four. */
export const fingerprintText = (publicKey: Uint8Array): string => groups(base32(fingerprint(publicKey)), 4);

const groups = (text: string, size: number): string =>
  Array.from({ length: text.length / size }, (_, i) => text.slice(i * size, (i + 1) * size)).join(" ");

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Without padding: 52 digits for 32 bytes. */
const base32 = (bytes: Uint8Array): string => {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const digits = bits.match(/.{1,5}/gu) ?? [];
  return digits.map((digit) => BASE32[Number.parseInt(digit.padEnd(5, "0"), 2)]).join("");
};
