/** Every kind of harm to every type of frame in its direction: what the faults of a run have to cover. */
import type { Direction, FrameType, Harm, Hit } from "./fault.ts";
import { SHORT_MS } from "./expectation.ts";
import type { SeededRandom } from "./seeded-random.ts";

export const FRAMES: Readonly<Record<Direction, readonly FrameType[]>> = {
  up: ["hello", "advert", "shares", "chunk", "masked", "agree", "unmask", "leave"],
  down: [
    "plan",
    "roster",
    "inbox",
    "received",
    "excluded",
    "survivors",
    "quorum",
    "result",
    "chunk",
    "void",
    "waiting",
    "finished",
  ],
};

export const KINDS: readonly Harm["kind"][] = [
  "drop",
  "delay",
  "duplicate",
  "reorder",
  "truncate",
  "flip",
  "cut",
  "crash member",
  "crash coordinator",
];

export const CELLS: readonly Hit[] = Object.entries(FRAMES).flatMap(([side, types]) => {
  const direction = side === "up" ? "up" : "down";
  return types.flatMap((type) => KINDS.map((kind) => ({ direction, type, kind })));
});

/** A harm of its kind, of a size that costs no more than it must. */
export const harmOf = (kind: Harm["kind"], random: SeededRandom): Harm => {
  const downMs = random.between(10, SHORT_MS);
  const at = random.below(1000) / 1000;
  const arrives = random.below(2) === 1;
  switch (kind) {
    case "drop":
    case "duplicate":
    case "reorder":
      return { kind };
    case "delay":
      return { kind, ms: downMs };
    case "truncate":
    case "flip":
      return { kind, at };
    case "cut":
      return { kind, downMs };
    case "crash member":
    case "crash coordinator":
      return { kind, downMs, arrives };
  }
};

const nameOf = ({ direction, type, kind }: Hit): string => `${direction} ${type} ${kind}`;

/** How often each cell was hit. */
export class HitCount {
  readonly #counts = new Map(CELLS.map((cell) => [nameOf(cell), 0]));

  add(hits: readonly Hit[]): void {
    for (const hit of hits) this.#counts.set(nameOf(hit), this.of(hit) + 1);
  }

  of(cell: Hit): number {
    return this.#counts.get(nameOf(cell)) ?? 0;
  }

  below(least: number): readonly Hit[] {
    return CELLS.filter((cell) => this.of(cell) < least);
  }

  /** A line for each type of frame that was hit, a column for each kind of harm. */
  get table(): string {
    const head = ["", ...KINDS];
    const rows = (["up", "down"] as const).flatMap((direction) =>
      FRAMES[direction].map((type) => [
        `${direction === "up" ? "↑" : "↓"} ${type}`,
        ...KINDS.map((kind) => String(this.of({ direction, type, kind }))),
      ]),
    );
    const hit = rows.filter((row) => row.slice(1).some((cell) => cell !== "0"));
    const width = (column: number) => Math.max(...[head, ...hit].map((row) => row[column]!.length));
    return [head, ...hit]
      .map((row) =>
        row
          .map((cell, i) => (i === 0 ? cell.padEnd(width(i)) : cell.padStart(width(i))))
          .join("  ")
          .trimEnd(),
      )
      .join("\n");
  }
}
