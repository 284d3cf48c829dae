/**
 * Text from outside as one line that cannot act on a terminal: control characters (colours, cursor moves, line ends),
 * invisible and reordering ones are written out as `\u{…}`.
 */
export const printable = (text: string): string =>
  text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
