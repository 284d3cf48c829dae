/**
 * The second check: what the gateway can see of contract and policy on each frame, before it leaves. The cell has
 * decided already; this one holds when the cell is wrong.
 */
import { bytesToHex, ShapeError } from "@bulkhead/base";
import { sha256, Sha256 } from "@bulkhead/crypto";
import {
  type Chunk,
  type ClientFrame,
  type ClientMessage,
  decodeClientFrame,
  type Job,
} from "@bulkhead/protocol";
import type { EgressRefusal } from "../pipe.ts";
import type { SitePolicy } from "../policy.ts";
import type { EgressEntry, EgressLog } from "./egress-log.ts";

type OfAttempt = Exclude<ClientMessage, { readonly type: "hello" | "leave" }>;

interface Limits {
  readonly bytes: number;
  readonly rounds: number;
  readonly attemptsPerRound: number;
  readonly vectorBytes: number;
}

/** Pieces of a vector that follow each other, on their way into one line of the log. */
interface Piece {
  readonly round: number;
  readonly attempt: number;
  readonly from: number;
  readonly total: number;
  readonly hash: Sha256;
  next: number;
}

interface SentChunk {
  readonly digest: string;
  readonly end: number;
}

export class Egress {
  readonly #limits: Limits;
  readonly #lastRound: number;
  readonly #log: EgressLog;
  /** Bytes of masked input that have left. */
  #bytes = 0;
  /** Attempts in which masked input has left, by round. */
  readonly #attempts = new Map<number, Set<number>>();
  /** Digests of what may be said once, by what it is and where. */
  readonly #said = new Map<string, string>();
  #piece: Piece | undefined;
  /** The chunks of the latest vector by their offsets: the same again after a lost link is no more bytes. */
  #sent = new Map<number, SentChunk>();
  #sentOf: Pick<Chunk, "round" | "attempt"> = { round: 0, attempt: 0 };

  constructor({ contract, layout }: Job, policy: SitePolicy, log: EgressLog) {
    const { egress, training } = contract;
    this.#limits = {
      bytes: Math.min(egress.bytes, policy.mostBytes ?? Infinity),
      rounds: Math.min(training.rounds, policy.mostRounds ?? Infinity),
      attemptsPerRound: Math.min(egress.attemptsPerRound, policy.mostAttemptsPerRound ?? Infinity),
      vectorBytes: layout.byteLength,
    };
    this.#lastRound = training.rounds;
    this.#log = log;
    this.#recall(log.entries);
  }

  /** Writes the frame down and gives `undefined`: it may leave. Or says why it may not, and nothing is written. */
  pass(bytes: Uint8Array): EgressRefusal | undefined {
    const frame = decoded(bytes);
    if (frame === undefined) return "frame";
    if (frame.type === "chunk") return this.#passChunk(frame);
    const refusal = this.#refusalOf(frame, bytes);
    if (refusal !== undefined) return refusal;
    this.#endPiece();
    const { type, round, attempt } = frame;
    this.#append({ type, round, attempt, bytes: bytes.length, sha256: bytesToHex(sha256(bytes)) });
    return undefined;
  }

  close(): void {
    this.#endPiece();
    this.#log.close();
  }

  #refusalOf(message: ClientMessage, bytes: Uint8Array): EgressRefusal | undefined {
    if (message.type === "hello" || message.type === "leave") return undefined;
    if (message.round < 1 || message.round > this.#lastRound) return "rounds";
    const digest = bytesToHex(sha256(bytes));
    const keys = placesOf(message);
    if (keys.some((key) => (this.#said.get(key) ?? digest) !== digest)) return "frame";
    for (const key of keys) this.#said.set(key, digest);
    return undefined;
  }

  #passChunk(chunk: Chunk): EgressRefusal | undefined {
    const { round, attempt, offset, total, bytes } = chunk;
    const { vectorBytes, attemptsPerRound, rounds } = this.#limits;
    if (chunk.vector !== "masked-input" || total !== vectorBytes) return "frame";
    if (round < 1 || round > this.#lastRound) return "rounds";
    const attempts = this.#attempts.get(round) ?? new Set<number>();
    if (!this.#attempts.has(round) && this.#attempts.size >= rounds) return "rounds";
    if (!attempts.has(attempt) && attempts.size >= attemptsPerRound) return "attempts";
    const isFollowing = this.#isFollowing(chunk);
    const order = round - this.#sentOf.round || attempt - this.#sentOf.attempt;
    // What went out of an earlier vector is no longer known.
    if (order < 0) return "frame";
    if (order > 0) [this.#sentOf, this.#sent] = [{ round, attempt }, new Map()];
    const digest = bytesToHex(sha256(bytes));
    const before = this.#sent.get(offset);
    const isRepeated = before?.digest === digest;
    // Under the same masks the difference of two vectors is that of what they mask: no lane goes out in two versions.
    if (!isRepeated && this.#overlaps(offset, offset + bytes.length)) return "frame";
    if (!isRepeated && this.#bytes + bytes.length > this.#limits.bytes) return "bytes";
    if (!isFollowing) this.#beginPiece({ round, attempt, from: offset, total });
    this.#attempts.set(round, attempts.add(attempt));
    this.#sent.set(offset, { digest, end: offset + bytes.length });
    if (!isRepeated) this.#bytes += bytes.length;
    const piece = this.#piece!;
    piece.hash.update(bytes);
    piece.next += bytes.length;
    if (piece.next === total) this.#endPiece();
    return undefined;
  }

  #overlaps(from: number, end: number): boolean {
    for (const [at, sent] of this.#sent) if (at < end && from < sent.end) return true;
    return false;
  }

  #isFollowing({ round, attempt, offset }: Chunk): boolean {
    const piece = this.#piece;
    return piece?.round === round && piece.attempt === attempt && piece.next === offset;
  }

  #beginPiece(place: Omit<Piece, "hash" | "next">): void {
    this.#endPiece();
    this.#piece = { ...place, hash: new Sha256(), next: place.from };
    this.#append({ type: "masked-input-begins", ...place, bytes: 0 });
  }

  #endPiece(): void {
    const piece = this.#piece;
    if (piece === undefined) return;
    this.#piece = undefined;
    const { hash, next, ...place } = piece;
    this.#append({
      type: "masked-input",
      ...place,
      bytes: next - place.from,
      sha256: bytesToHex(hash.digest()),
    });
  }

  #append(entry: Omit<EgressEntry, "time">): void {
    this.#log.append({ time: new Date().toISOString(), ...entry });
  }

  /** Of a piece that a crash has cut short nobody knows the end: all of it counts. */
  #recall(entries: readonly EgressEntry[]): void {
    for (const { type, round, attempt, sha256: digest } of entries) {
      if (type === "masked-input-begins") {
        this.#attempts.set(round, (this.#attempts.get(round) ?? new Set()).add(attempt));
        this.#sentOf = { round, attempt };
      } else if (type !== "masked-input" && type !== "hello" && type !== "leave" && digest !== undefined)
        for (const key of placesOf({ type, round, attempt })) this.#said.set(key, digest);
    }
    this.#bytes = maskedBytesOf(entries);
  }
}

/** Bytes of masked input that have left, or may have. */
export const maskedBytesOf = (entries: readonly EgressEntry[]): number => {
  let bytes = 0;
  let open = 0;
  for (const entry of entries)
    if (entry.type === "masked-input-begins") {
      bytes += open;
      open = (entry.total ?? 0) - (entry.from ?? 0);
    } else if (entry.type === "masked-input") {
      bytes += entry.bytes;
      open = 0;
    }
  return bytes + open;
};

/** Survivors are agreed on, and shares released, once in a round; the rest is said once in an attempt. */
const placesOf = ({
  type,
  round,
  attempt,
}: Pick<OfAttempt, "type" | "round" | "attempt">): readonly string[] =>
  type === "agree" || type === "unmask" ? [`${type} ${round}`] : [`${type} ${round} ${attempt}`];

const decoded = (bytes: Uint8Array): ClientFrame | undefined => {
  try {
    return decodeClientFrame(bytes);
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
};
