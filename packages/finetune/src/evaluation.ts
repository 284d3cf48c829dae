/** Figures of merit from logits: plain arithmetic, the same on every machine. */
import type { Evaluation } from "./trainer.ts";

export interface Judged {
  readonly logits: ArrayLike<number>;
  readonly label: number;
}

const FALSE_POSITIVES = 0.01;

export const evaluationOf = (judged: readonly Judged[], classes: number): Evaluation => {
  const right = judged.filter(({ logits, label }) => bestClass(logits) === label);
  const recalls = Array.from({ length: classes }, (_, label) => share(right, judged, label)).filter(
    (recall) => !Number.isNaN(recall),
  );
  const scored = classes === 2 ? scoresOf(judged) : undefined;
  return {
    examples: judged.length,
    loss: mean(judged.map(crossEntropy)),
    accuracy: right.length / judged.length,
    balancedAccuracy: mean(recalls),
    auc: scored && areaUnderCurve(scored),
    recallAt1PercentFalsePositives: scored && recallAtFalsePositives(scored, FALSE_POSITIVES),
  };
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const bestClass = (logits: ArrayLike<number>): number => {
  let best = 0;
  for (let c = 1; c < logits.length; c++) if (logits[c]! > logits[best]!) best = c;
  return best;
};

const share = (right: readonly Judged[], all: readonly Judged[], label: number): number =>
  right.filter((each) => each.label === label).length / all.filter((each) => each.label === label).length;

const crossEntropy = ({ logits, label }: Judged): number => {
  const values = Array.from(logits);
  const largest = Math.max(...values);
  const sum = values.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return Math.log(sum) + largest - logits[label]!;
};

interface Scores {
  /** log p(1) − log p(0) of the examples of each class. */
  readonly negative: readonly number[];
  readonly positive: readonly number[];
}

/** `undefined` when one of the classes has no example. */
const scoresOf = (judged: readonly Judged[]): Scores | undefined => {
  const of = (wanted: number) =>
    judged.filter(({ label }) => label === wanted).map(({ logits }) => logits[1]! - logits[0]!);
  const [negative, positive] = [of(0), of(1)];
  return negative.length === 0 || positive.length === 0 ? undefined : { negative, positive };
};

/** How often a positive scores above a negative; ties count half (Mann and Whitney's U). */
const areaUnderCurve = ({ negative, positive }: Scores): number => {
  const sorted = negative.toSorted((a, b) => a - b);
  const below = (score: number, orEqual: boolean): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! < score || (orEqual && sorted[middle] === score)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const wins = positive.map((score) => (below(score, false) + below(score, true)) / 2);
  return wins.reduce((sum, won) => sum + won, 0) / (positive.length * negative.length);
};

const recallAtFalsePositives = ({ negative, positive }: Scores, allowed: number): number => {
  const descending = negative.toSorted((a, b) => b - a);
  // The best-scored negative that may no longer be taken for a positive.
  const threshold = descending[Math.floor(allowed * descending.length)] ?? Number.NEGATIVE_INFINITY;
  return positive.filter((score) => score > threshold).length / positive.length;
};
