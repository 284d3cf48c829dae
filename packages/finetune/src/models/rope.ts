/**
 * The angles of rotary positions, computed on the processor: a GPU's sine is not exact enough. Frequencies and angles
 * are rounded to 32 bits as the reference implementation rounds them, which far from the start of a row makes a difference.
 */
import type { RopeScaling } from "./model-shape.ts";

/** One for each pair of a head's values, by which a position turns it. */
export const rotaryFrequencies = (headWidth: number, base: number, scaling: RopeScaling): readonly number[] =>
  Array.from({ length: headWidth / 2 }, (_, i) =>
    Math.fround(scaled(base ** ((-2 * i) / headWidth), scaling)),
  );

const scaled = (frequency: number, scaling: RopeScaling): number => {
  switch (scaling.type) {
    case "none":
      return frequency;
    case "linear":
      return frequency / scaling.factor;
    case "llama3": {
      const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions } = scaling;
      const turns = (originalPositions * frequency) / (2 * Math.PI);
      if (turns < low) return frequency / factor;
      if (turns > high) return frequency;
      const kept = (turns - low) / (high - low);
      return (1 - kept) * (frequency / factor) + kept * frequency;
    }
  }
};

/** Cosine and signed sine of the positions, [positions, headWidth] each: y = x · cosine + halvesSwapped(x) · sine. */
export const rotaryTables = (
  frequencies: readonly number[],
  positions: ArrayLike<number>,
): { readonly cosine: Float32Array; readonly sine: Float32Array } => {
  const half = frequencies.length;
  const cosine = new Float32Array(positions.length * 2 * half);
  const sine = new Float32Array(cosine.length);
  for (let row = 0; row < positions.length; row++)
    for (const [i, frequency] of frequencies.entries()) {
      const at = row * 2 * half + i;
      const angle = Math.fround(positions[row]! * frequency);
      cosine[at] = cosine[at + half] = Math.cos(angle);
      sine[at + half] = Math.sin(angle);
      sine[at] = -sine[at + half]!;
    }
  return { cosine, sine };
};
