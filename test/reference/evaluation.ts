/** Figures of merit by their definitions, without a shortcut: every pair, every threshold. */
import type { Evaluation, Judged } from "@bulkhead/finetune";

export const slowEvaluation = (judged: readonly Judged[], classes: number): Omit<Evaluation, "examples"> => {
  const found = ({ logits }: Judged) => {
    const values = Array.from(logits);
    return values.indexOf(Math.max(...values));
  };
  const recalls: number[] = [];
  for (let label = 0; label < classes; label++) {
    const those = judged.filter((each) => each.label === label);
    if (those.length > 0) recalls.push(average(those.map((each) => (found(each) === label ? 1 : 0))));
  }
  const scores = (label: number) =>
    judged.filter((each) => each.label === label).map(({ logits }) => logits[1]! - logits[0]!);
  const [negative, positive] = [scores(0), scores(1)];
  const hasCurve = classes === 2 && negative.length > 0 && positive.length > 0;
  return {
    loss: average(judged.map(({ logits, label }) => -Math.log(probability(Array.from(logits), label)))),
    accuracy: average(judged.map((each) => (found(each) === each.label ? 1 : 0))),
    balancedAccuracy: average(recalls),
    auc: hasCurve ? pairsInOrder(negative, positive) : undefined,
    recallAt1PercentFalsePositives: hasCurve ? bestRecall(negative, positive) : undefined,
  };
};

const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const probability = (logits: readonly number[], label: number): number =>
  Math.exp(logits[label]!) / logits.reduce((sum, logit) => sum + Math.exp(logit), 0);

const pairsInOrder = (negative: readonly number[], positive: readonly number[]): number =>
  average(positive.flatMap((p) => negative.map((n) => (p > n ? 1 : p === n ? 0.5 : 0))));

/** Over every threshold that calls at most one percent of the negatives positive. */
const bestRecall = (negative: readonly number[], positive: readonly number[]): number => {
  const thresholds = [...negative, ...positive, Number.NEGATIVE_INFINITY];
  const above = (scores: readonly number[], threshold: number) =>
    average(scores.map((score) => (score > threshold ? 1 : 0)));
  return Math.max(
    0,
    ...thresholds
      .filter((threshold) => above(negative, threshold) <= 0.01)
      .map((threshold) => above(positive, threshold)),
  );
};
