/** A text of which some stretches stand out: in another colour where there are colours, else between brackets. */
import pc from "picocolors";
import { hasColours } from "./has-colours.ts";
import { printable } from "./printable.ts";

export interface Stretch {
  readonly text: string;
  readonly isMarked: boolean;
}

/** Its own lines, with nothing in them that could act on a terminal. */
export const markedText = (
  stretches: readonly Stretch[],
  colours: boolean = hasColours(process.stdout),
): string => {
  const green = pc.createColors(true).green;
  const mark = (line: string): string => (colours ? (line === "" ? line : green(line)) : `⟦${line}⟧`);
  return stretches
    .map(({ text, isMarked }) =>
      text
        .split("\n")
        .map((line) => (isMarked ? mark(printable(line)) : printable(line)))
        .join("\n"),
    )
    .join("");
};
