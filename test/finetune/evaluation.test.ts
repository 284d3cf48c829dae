import { evaluationOf, type Judged } from "@bulkhead/finetune";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { slowEvaluation } from "../reference/evaluation.ts";

/** Few distinct scores, so that ties are common. */
const judgements = (classes: number) =>
  fc.array(
    fc.record({
      label: fc.integer({ min: 0, max: classes - 1 }),
      logits: fc.array(
        fc.integer({ min: -6, max: 6 }).map((n) => n / 2),
        {
          minLength: classes,
          maxLength: classes,
        },
      ),
    }),
    { minLength: 1, maxLength: 60 },
  );

const close = (a: number | undefined, b: number | undefined): void =>
  b === undefined ? expect(a).toBeUndefined() : expect(a).toBeCloseTo(b, 10);

const agree = (judged: readonly Judged[], classes: number): void => {
  const [got, wanted] = [evaluationOf(judged, classes), slowEvaluation(judged, classes)];
  expect(got.examples).toBe(judged.length);
  close(got.loss, wanted.loss);
  close(got.accuracy, wanted.accuracy);
  close(got.balancedAccuracy, wanted.balancedAccuracy);
  close(got.auc, wanted.auc);
  close(got.recallAt1PercentFalsePositives, wanted.recallAt1PercentFalsePositives);
};

describe("figures of merit", () => {
  test.each([2, 3])("agree with brute force for %i classes", (classes) => {
    fc.assert(
      fc.property(judgements(classes), (judged) => agree(judged, classes)),
      { numRuns: 300 },
    );
  });

  test("agree with brute force where one percent of the negatives is several", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: -40, max: 40 })), (stream) => {
        const judged = Array.from({ length: 450 }, (_, i) => {
          const score = Number(stream.next().value);
          return { label: i % 3 === 0 ? 1 : 0, logits: [0, score + (i % 3 === 0 ? 20 : 0)] };
        });
        agree(judged, 2);
      }),
      { numRuns: 20 },
    );
  });

  test("of a case worked by hand", () => {
    // Scores of class 1: positives 3 and 1, negatives 2 and 0: of four pairs three are in order.
    const judged = [
      { label: 1, logits: [0, 3] },
      { label: 1, logits: [0, 1] },
      { label: 0, logits: [0, 2] },
      { label: 0, logits: [1, 1] },
    ];
    const evaluation = evaluationOf(judged, 2);
    expect(evaluation).toMatchObject({
      examples: 4,
      accuracy: 0.75,
      balancedAccuracy: 0.75,
      auc: 0.75,
      recallAt1PercentFalsePositives: 0.5,
    });
    const losses = [
      Math.log(1 + Math.exp(-3)),
      Math.log(1 + Math.exp(-1)),
      Math.log(1 + Math.exp(2)),
      Math.LN2,
    ];
    expect(evaluation.loss).toBeCloseTo(losses.reduce((sum, loss) => sum + loss) / 4, 12);
  });

  test("of all, as of one class, have no curve and only the recalls that there are", () => {
    const judged = [
      { label: 1, logits: [0, 3] },
      { label: 1, logits: [3, 0] },
    ];
    expect(evaluationOf(judged, 2)).toMatchObject({ balancedAccuracy: 0.5, auc: undefined });
    expect(evaluationOf(judged, 2).recallAt1PercentFalsePositives).toBeUndefined();
  });

  test("stand firm against logits whose exponentials overflow", () => {
    const { loss } = evaluationOf([{ label: 0, logits: [-1000, 1000] }], 2);
    expect(loss).toBe(2000);
  });
});
