import {
  type LanguageRow,
  type LanguageTrainerOptions,
  type LoadedModel,
  openLanguageTrainer,
  parameterCount,
  type TrainJob,
  type TrainState,
} from "@bulkhead/finetune";
import { openBackend, type TensorFlow } from "@bulkhead/compute";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freshFolder } from "../../launch.ts";
import { randomNumbers } from "../tiny-model.ts";
import { loadSmall, SMALL_MODELS } from "./small-models.ts";

/** Each text is one of four beginnings, and its end follows from it. */
const ROWS: readonly LanguageRow[] = Array.from({ length: 20 }, (_, i) => {
  const kind = i % 4;
  const ids = Int32Array.from([2, 3 + kind, 7 + (i % 3), 1, 12 + kind, 20]);
  return { ids: ids.slice(i % 2), targets: Uint8Array.from([0, 0, 0, 0, 1, 1]).slice(i % 2) };
});

const PLAN = { rank: 2, alpha: 4, targets: "all-linear", layers: [1] } as const;

let tf: TensorFlow;
let model: LoadedModel;
let tensors: number;

beforeEach(async () => {
  ({ tf } = await openBackend("cpu"));
  tensors = tf.memory().numTensors;
  model = await loadSmall(tf, SMALL_MODELS.cases["llama"]!);
});
afterEach(() => {
  model.dispose();
  expect(tf.memory().numTensors).toBe(tensors);
});

const open = (options: Partial<LanguageTrainerOptions> = {}) =>
  openLanguageTrainer(tf, model, { plan: PLAN, rows: ROWS, ...options });

const start = (trainer: ReturnType<typeof open>): Float32Array => {
  const random = randomNumbers(8);
  return Float32Array.from({ length: parameterCount(trainer.tensors) }, () => 0.2 * random());
};

const job = (initial: Float32Array, changes: Partial<TrainJob> = {}): TrainJob => ({
  model: initial,
  round: 1,
  rounds: 2,
  localSteps: 3,
  batchSize: 4,
  learningRate: 0.02,
  optimiser: { type: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  schedule: { type: "linear", floor: 0.1 },
  clipNorm: 1,
  shuffleSeed: new Uint8Array(32).fill(3),
  ...changes,
});

const updateOf = async (options: Partial<LanguageTrainerOptions>, changes: Partial<TrainJob> = {}) => {
  const trainer = open(options);
  const outcome = await trainer.train(job(start(trainer), changes));
  const rerun = trainer.rerunLayers();
  trainer.close();
  if (outcome.type !== "trained") throw new Error(outcome.code);
  return { update: outcome.update, rerun };
};

test("a site learns what its rows have in common", async () => {
  const trainer = open();
  const initial = start(trainer);
  const before = await trainer.evaluate(initial, ROWS);
  const outcome = await trainer.train(job(initial, { localSteps: 40, rounds: 1, learningRate: 0.05 }));
  if (outcome.type !== "trained") throw new Error(outcome.code);
  const trained = initial.map((value, i) => value + outcome.update[i]!);
  const after = await trainer.evaluate(trained, ROWS);
  expect(before).toMatchObject({ rows: 20, answers: 40 });
  expect(after.lossSum).toBeLessThan(0.5 * before.lossSum);
  expect(after.right).toBeGreaterThan(before.right);
  trainer.close();
});

test("a round is the same to the bit when it is done again, and whether layers are kept or run again", async () => {
  const first = await updateOf({});
  expect(first.rerun).toBe(0);
  expect((await updateOf({})).update).toEqual(first.update);
  const again = await updateOf({ keptBytes: 0 });
  expect(again.rerun).toBe(1);
  expect(again.update).toEqual(first.update);
});

test("dropout drops the same when a layer is run again, and other things than without", async () => {
  const plan = { ...PLAN, dropout: 0.25 };
  const kept = await updateOf({ plan });
  expect((await updateOf({ plan, keptBytes: 0 })).update).toEqual(kept.update);
  expect((await updateOf({})).update).not.toEqual(kept.update);
});

test("rows that find no room among what is kept give the same update", async () => {
  const [kept, fresh] = [await updateOf({}), await updateOf({ cacheBytes: 0 })];
  for (const [i, value] of kept.update.entries()) expect(fresh.update[i]).toBeCloseTo(value, 4);
});

test("the parts of a batch add up to the batch, whatever their lengths", async () => {
  const changes = { optimiser: { type: "sgd" }, localSteps: 1 } as const;
  const [whole, parts] = [await updateOf({}, changes), await updateOf({ rowsAtOnce: 1 }, changes)];
  const size = Math.max(...whole.update.map(Math.abs));
  expect(size).toBeGreaterThan(1e-4);
  for (const [i, value] of whole.update.entries())
    expect(Math.abs(parts.update[i]! - value)).toBeLessThan(1e-4 * size);
});

test("with A frozen only B is trained, and from the same place", async () => {
  const all = open({ plan: { ...PLAN } });
  const initial = start(all);
  const factors = { a: [] as number[], b: [] as number[] };
  let at = 0;
  for (const { name, shape } of all.tensors) {
    const end = at + shape[0]! * shape[1]!;
    factors[name.endsWith("lora_A.weight") ? "a" : "b"].push(...initial.slice(at, end));
    at = end;
  }
  const frozen = open({ plan: { ...PLAN, frozenA: true }, frozenA: Float32Array.from(factors.a) });
  expect(frozen.tensors).toEqual(all.tensors.filter(({ name }) => name.endsWith("lora_B.weight")));
  const sgd = { optimiser: { type: "sgd" }, localSteps: 1, learningRate: 1 } as const;
  const outcomes = [
    await all.train({ ...job(initial, sgd), schedule: "constant", clipNorm: 1e9 }),
    await frozen.train({ ...job(Float32Array.from(factors.b), sgd), schedule: "constant", clipNorm: 1e9 }),
  ];
  const [whole, only] = outcomes.map((outcome) => (outcome.type === "trained" ? outcome.update : undefined));
  const ofB: number[] = [];
  at = 0;
  for (const { name, shape } of all.tensors) {
    const end = at + shape[0]! * shape[1]!;
    if (name.endsWith("lora_B.weight")) ofB.push(...whole!.slice(at, end));
    at = end;
  }
  for (const [i, value] of ofB.entries()) expect(only![i]).toBeCloseTo(value, 5);
  all.close();
  frozen.close();
});

test("two texts in one row do not see each other", async () => {
  const texts = [Int32Array.of(5, 9, 3, 17), Int32Array.of(7, 20, 13)];
  const targets = (ids: Int32Array) => Uint8Array.from(ids, () => 1);
  const packed: LanguageRow = {
    ids: Int32Array.from(texts.flatMap((ids) => [...ids])),
    targets: new Uint8Array(7).fill(1),
    segments: Int32Array.of(0, 0, 0, 0, 1, 1, 1),
  };
  const trainer = open();
  const initial = start(trainer);
  const apart = await trainer.evaluate(
    initial,
    texts.map((ids) => ({ ids, targets: targets(ids) })),
  );
  const together = await trainer.evaluate(initial, [packed]);
  expect(together.answers).toBe(apart.answers);
  expect(together.lossSum).toBeCloseTo(apart.lossSum, 4);
  trainer.close();
});

test("a loss that is no number ends the round with the rows that were in the batch", async () => {
  const trainer = open();
  const initial = start(trainer).fill(Number.NaN);
  const outcome = await trainer.train(job(initial));
  expect(outcome).toMatchObject({ type: "failed", code: "non-finite-loss", facts: { step: 0 } });
  trainer.close();
});

test("a row that cannot be trained on is named", () => {
  const row = (ids: readonly number[], targets: readonly number[]) => ({
    ids: Int32Array.from(ids),
    targets: Uint8Array.from(targets),
  });
  for (const bad of [row([], []), row([5, 24], [0, 1]), row([5, 6], [1]), row([5, 6], [1, 0])])
    expect(() => open({ rows: [ROWS[0]!, bad] })).toThrow(/row 2 of the data/u);
});

test.each([
  { type: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 },
  { type: "sgd", momentum: 0.9 },
  { type: "sgd" },
] as const)("a round goes on from any of its states to the same bits, with %o", async (optimiser) => {
  const states: TrainState[] = [];
  const trainer = open();
  const whole = job(start(trainer), { optimiser, localSteps: 4, stateEveryMs: 0 });
  const first = await trainer.train(whole, undefined, (state) => states.push(structuredClone(state)));
  expect(states.map(({ step }) => step)).toEqual([1, 2, 3]);
  for (const from of states) {
    const fresh = open();
    const steps: number[] = [];
    const { stateEveryMs: _, ...rest } = whole;
    expect(await fresh.train({ ...rest, from }, (step) => steps.push(step))).toEqual(first);
    expect(steps[0]).toBe(from.step);
    fresh.close();
  }
  const short = { ...states[0]!, moments: [new Float32Array(1)] };
  expect(await trainer.train({ ...whole, from: short })).toMatchObject({ code: "model-length" });
  trainer.close();
});

test("a batch in parts, and rows whose activations are on the disk, give the same update", async () => {
  const whole = await updateOf({});
  const parts = await updateOf({}, { rowsAtOnce: 2 });
  for (const [i, value] of whole.update.entries()) expect(parts.update[i]).toBeCloseTo(value, 4);
  const spill = { folder: freshFolder(), mostBytes: 2 ** 20 };
  expect((await updateOf({ cacheBytes: 0, spill })).update).toEqual(whole.update);
});
