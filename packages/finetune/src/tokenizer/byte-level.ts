/** The alphabet of byte-level tokenizers: each byte has a printable character, so that any text is made of tokens. */

/** Printable Latin-1 stands for itself; the other bytes follow from U+0100 on [GPT-2]. */
const CHARACTER_OF_BYTE: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCodePoint(printable ? byte : next++);
  });
})();

const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = new Map(
  CHARACTER_OF_BYTE.map((character, byte) => [character, byte]),
);

/** The bytes that a token of the alphabet stands for; `undefined` for a token with other characters. */
const bytesOfToken = (token: string): Uint8Array | undefined => {
  const bytes = Array.from(token, (character) => BYTE_OF_CHARACTER.get(character));
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : undefined;
};

/**
 * Gives the text of ids: the bytes of all tokens together, read as UTF-8 with U+FFFD for what is none. `literal` are the
 * tokens that stand for their own text. Ids without a token give nothing.
 */
export const byteLevelDecoder = (
  tokens: readonly (string | undefined)[],
  literal: ReadonlySet<number>,
): ((ids: Iterable<number>) => string) => {
  const bytesOf = (id: number): Uint8Array => {
    const token = tokens[id] ?? "";
    return (literal.has(id) ? undefined : bytesOfToken(token)) ?? new TextEncoder().encode(token);
  };
  return (ids) => Buffer.concat(Array.from(ids, bytesOf)).toString("utf8");
};
