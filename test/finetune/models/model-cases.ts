/** Every family against `transformers` and `peft`, for whichever backend. */
import {
  type AdaptedModel,
  adaptModel,
  batchOf,
  languageStep,
  type LanguageRow,
  modelStep,
  runModel,
} from "@bulkhead/finetune";
import { type BackendName, openBackend, type Tensor1D, type TensorFlow } from "@bulkhead/compute";
import { expect, test } from "vitest";
import { randomNumbers } from "../tiny-model.ts";
import { loadSmall, smallAdapter, type SmallModels, useOf } from "./small-models.ts";

export const rowsOf = ({ rows, firstTarget }: SmallModels): readonly LanguageRow[] =>
  rows.map((ids) => ({
    ids: Int32Array.from(ids),
    targets: Uint8Array.from(ids, (_, i) => Number(i >= firstTarget)),
  }));

/** Relative to the largest: what is far below it is rounding. */
export const expectNear = (got: ArrayLike<number>, wanted: readonly number[], tolerance: number): void => {
  const size = Math.max(...wanted.map(Math.abs));
  expect(got.length).toBe(wanted.length);
  const off = Math.max(...wanted.map((value, i) => Math.abs(got[i]! - value)));
  expect(off / size).toBeLessThan(tolerance);
};

export const modelCases = (backend: BackendName, models: SmallModels): void => {
  const rows = rowsOf(models);

  test.each(Object.entries(models.cases))(
    `%s gives what transformers gives, without and with an adapter, on ${backend}`,
    async (_, small) => {
      const { tf } = await openBackend(backend);
      const before = tf.memory().numTensors;
      const model = await loadSmall(tf, small);
      const { plan, trained } = smallAdapter(small);
      const adapted = adaptModel(tf, model, plan);
      for (const [wanted, run] of [
        [small.plain, await runModel(tf, { model }, rows)],
        [small.adapted, await runModel(tf, { adapted, parameters: trained }, rows)],
      ] as const)
        for (const [row, values] of run.entries()) expectNear(values, wanted[row]!, 2e-5);
      model.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test.each(Object.entries(models.cases))(
    `%s has the gradients that PyTorch has, on ${backend}`,
    async (_, small) => {
      const { tf } = await openBackend(backend);
      const model = await loadSmall(tf, small);
      const { plan, trained } = smallAdapter(small);
      const adapted = adaptModel(tf, model, plan);
      const wanted = adapted.tensors.flatMap(({ name }) => [...small.gradients[name]!]);
      for (const keptBytes of [Number.POSITIVE_INFINITY, 0]) {
        const parameters = tf.tensor1d(trained);
        const setting = { adapted, keptBytes };
        const { loss, gradient } =
          useOf(small) === "language-model"
            ? lossStep(tf, setting, parameters, rows)
            : productStep(tf, setting, parameters, rows);
        expect((await loss.data())[0]! / small.loss).toBeCloseTo(1, 4);
        expectNear(await gradient.data(), wanted, 5e-5);
        tf.dispose([parameters, gradient, loss]);
      }
      model.dispose();
    },
  );
};

interface Setting {
  readonly adapted: AdaptedModel;
  readonly keptBytes: number;
}

const lossStep = (tf: TensorFlow, setting: Setting, parameters: Tensor1D, rows: readonly LanguageRow[]) => {
  const { losses, gradient } = languageStep(tf, setting, parameters, { batch: batchOf(rows) });
  const loss = tf.sum(losses);
  losses.dispose();
  return { loss, gradient };
};

/** The sum of an encoder's outputs times fixed numbers, as model_vectors.py draws them. */
const productStep = (
  tf: TensorFlow,
  setting: Setting,
  parameters: Tensor1D,
  rows: readonly LanguageRow[],
) => {
  const batch = batchOf(rows);
  const { width } = setting.adapted.model.shape;
  const random = randomNumbers(3);
  const weights = new Float32Array(batch.rows * batch.length * width);
  for (const [row, { ids }] of rows.entries())
    for (let i = 0; i < ids.length * width; i++) weights[row * batch.length * width + i] = random();
  const { result, gradient } = modelStep(tf, setting, parameters, {
    batch,
    head: (y) => {
      const dy = tf.tensor2d(weights, [batch.rows * batch.length, width]);
      return { gradient: dy, result: tf.tidy(() => tf.sum(tf.mul(y, dy))) };
    },
  });
  return { loss: result, gradient };
};
