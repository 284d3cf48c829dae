/** Looks for rows where none may be: whether any file below a folder holds a piece of any text. */
import fs from "node:fs";
import { filesBelow } from "../harness/files.ts";

/** Of a text, from its middle: what stands at its start may stand elsewhere too. */
const PIECE = 24;
const KEY = 8;

/** The pieces by their first bytes. */
type Pieces = ReadonlyMap<string, readonly string[]>;

const piecesOf = (texts: readonly string[]): Pieces => {
  const pieces = new Map<string, string[]>();
  for (const text of texts) {
    if (text.length < 2 * PIECE) continue;
    const start = (text.length - PIECE) >> 1;
    const piece = text.slice(start, start + PIECE);
    const key = piece.slice(0, KEY);
    pieces.set(key, [...(pieces.get(key) ?? []), piece]);
  }
  return pieces;
};

/** The files that hold a piece of a text; texts that are too short to be told apart are passed over. */
export const filesWithRows = (folder: string, texts: readonly string[]): readonly string[] => {
  const pieces = piecesOf(texts);
  return filesBelow(folder).filter((file) => holdsAny(fs.readFileSync(file, "latin1"), pieces));
};

const holdsAny = (content: string, pieces: Pieces): boolean => {
  for (let at = 0; at + PIECE <= content.length; at++) {
    const candidates = pieces.get(content.slice(at, at + KEY));
    if (candidates?.some((piece) => content.startsWith(piece, at)) === true) return true;
  }
  return false;
};
