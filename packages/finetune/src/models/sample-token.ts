/** Chooses a token from logits: plain arithmetic, the same on every machine. */

export interface Sampling {
  /** 0, or left out, takes the most probable token. */
  readonly temperature?: number;
  /** Only the most probable tokens that together have this share are drawn from [HBD+20]; 1 unless said. */
  readonly topP?: number;
}

/** `random` gives numbers in 0 … 1. Of equal logits the first counts as the larger. */
export const sampleToken = (
  logits: Float32Array,
  { temperature = 0, topP = 1 }: Sampling,
  random: () => number,
): number => {
  if (temperature === 0) return largestOf(logits);
  const largest = logits[largestOf(logits)]!;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const order = [...weights.keys()].sort((a, b) => weights[b]! - weights[a]! || a - b);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let count = 0;
  let share = 0;
  while (count < order.length && share < topP) share += weights[order[count++]!]! / total;
  let left = random() * share * total;
  for (const id of order.slice(0, count)) {
    left -= weights[id]!;
    if (left < 0) return id;
  }
  return order[count - 1]!;
};

const largestOf = (logits: Float32Array): number => {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
};
