/** How well an adapted model foretells rows: sums over answers, so that those of several sites can be added up. */
import type { Tensor1D, TensorFlow } from "@bulkhead/compute";
import type { LanguageSums } from "../trainer.ts";
import { type AdaptedModel, bindAdapters } from "./adapted-model.ts";
import { batchContext } from "./batch-context.ts";
import type { LayerAdapters } from "./block.ts";
import { judgeWords } from "./cross-entropy.ts";
import { hiddenAt } from "./language-loss.ts";
import { answersOf, batchOf, type LanguageRow } from "./language-rows.ts";
import { embedTokens, runForward } from "./run-layers.ts";

/** Rows that run at once. */
const AT_ONCE = 8;

export const evaluateRows = async (
  tf: TensorFlow,
  adapted: AdaptedModel,
  model: Float32Array,
  rows: readonly LanguageRow[],
): Promise<LanguageSums> => {
  const parameters: Tensor1D = tf.tensor1d(model);
  const bound = bindAdapters(tf, adapted, parameters);
  const sums = { rows: rows.length, answers: 0, lossSum: 0, right: 0, exact: 0 };
  try {
    for (let at = 0; at < rows.length; at += AT_ONCE) {
      const judged = await judge(tf, adapted, bound.byLinear, rows.slice(at, at + AT_ONCE));
      for (const { losses, hits } of judged) {
        sums.answers += losses.length;
        sums.lossSum += losses.reduce((sum, loss) => sum + loss, 0);
        sums.right += hits.filter(Boolean).length;
        sums.exact += hits.every(Boolean) ? 1 : 0;
      }
    }
    return sums;
  } finally {
    bound.free();
    parameters.dispose();
  }
};

interface JudgedRow {
  readonly losses: number[];
  readonly hits: boolean[];
}

const judge = async (
  tf: TensorFlow,
  { model }: AdaptedModel,
  adapters: LayerAdapters,
  rows: readonly LanguageRow[],
): Promise<readonly JudgedRow[]> => {
  const batch = batchOf(rows);
  const { places, labels } = answersOf(batch);
  const { losses, best } = tf.tidy(() => {
    const context = batchContext(tf, model.shape, batch);
    const run = { model, context, adapters, from: 0, end: model.layers.length };
    const x = runForward(tf, run, embedTokens(tf, model, batch));
    return judgeWords(tf, hiddenAt(tf, model, x, places), model.head!, labels);
  });
  const [lossOf, wordOf] = [await losses.data<"float32">(), await best.data<"int32">()];
  tf.dispose([losses, best]);
  const judged = rows.map((): JudgedRow => ({ losses: [], hits: [] }));
  for (const [i, place] of places.entries()) {
    const row = judged[Math.floor(place / batch.length)]!;
    row.losses.push(lossOf[i]!);
    row.hits.push(wordOf[i] === labels[i]);
  }
  return judged;
};
