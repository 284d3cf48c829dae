import { isStopped, nextModel, readModel } from "@bulkhead/party";
import { type Contract, jobOf } from "@bulkhead/protocol";
import { expect, test } from "vitest";
import { newFederation } from "../coordinator/federation.ts";

type Stopping = NonNullable<Contract["training"]["stopping"]>;

const jobWith = (stopping: Stopping) => {
  const { contract, initial } = newFederation({ length: 4 });
  const training = { ...contract.training, rounds: 100, stopping };
  const job = jobOf({ ...contract, training });
  return { job, start: readModel(job, initial)! };
};

const mean = new Float32Array(4);

/** After how many rounds with these mean losses of the models they begin with the job ends. */
const endAfter = (stopping: Stopping, losses: readonly (number | undefined)[]): number | undefined => {
  const { job, start } = jobWith(stopping);
  let model = start;
  for (const [i, loss] of losses.entries()) {
    const scalars: Record<string, number> =
      loss === undefined
        ? { "held-out-loss-sum": 0, "held-out-answers": 0 }
        : { "held-out-loss-sum": 8 * loss, "held-out-answers": 8 };
    model = nextModel(job, model, { mean, scalars });
    // As a party does that starts again between two rounds.
    const again = readModel(job, model.bytes)!;
    expect(again.hash).toEqual(model.hash);
    expect(again.stopping).toEqual(model.stopping);
    model = again;
    if (isStopped(job, model)) return i + 1;
  }
  return undefined;
};

const LOSS = { figure: "held-out-loss", patience: 2, improvement: 0.1 } as const;

test("a job ends when so many models in a row were no better than the best", () => {
  expect(endAfter(LOSS, [3, 2, 1, 0.5])).toBeUndefined();
  expect(endAfter(LOSS, [3, 2, 2, 2])).toBe(4);
  expect(endAfter(LOSS, [3, 2, 1.95, 1.91])).toBe(4);
  expect(endAfter(LOSS, [3, 2, 2.5, 1.5, 1.6, 1.6, 1])).toBe(6);
  expect(endAfter({ ...LOSS, patience: 1 }, [3, 3])).toBe(2);
});

test("a round in which nobody judged counts as no better", () => {
  expect(endAfter(LOSS, [undefined, undefined, undefined])).toBe(3);
  expect(endAfter(LOSS, [undefined, 3, 2, 1])).toBeUndefined();
});

test("what is remembered is part of the model's hash; a contract without stopping remembers nothing", () => {
  const { job, start } = jobWith(LOSS);
  const [better, worse] = [1, 2].map((loss) =>
    nextModel(job, start, { mean, scalars: { "held-out-loss-sum": loss, "held-out-answers": 1 } }),
  );
  expect(better!.hash).not.toEqual(worse!.hash);
  const plain = newFederation({ length: 4 });
  const model = readModel(plain.job, plain.initial)!;
  expect(nextModel(plain.job, model, { mean, scalars: {} }).stopping).toHaveLength(0);
  expect(isStopped(plain.job, model)).toBe(false);
});
