/** Which of a few tokens an adapted model finds the most probable after a prompt: a language model as a classifier. */
import { invariant } from "@bulkhead/base";
import type { Tensor1D, Tensor2D, TensorFlow } from "@bulkhead/compute";
import { type AdaptedModel, bindAdapters } from "./adapted-model.ts";
import { batchContext } from "./batch-context.ts";
import type { LayerAdapters } from "./block.ts";
import { checkPrompt } from "./generate.ts";
import { hiddenAt } from "./language-loss.ts";
import { batchOf, type LanguageBatch } from "./language-rows.ts";
import { frozenPrefix } from "./model-step.ts";
import { runForward } from "./run-layers.ts";

export interface Chooser {
  /** Of each prompt, which of the choices. */
  readonly choose: (parameters: Float32Array) => Promise<readonly number[]>;
  /** Frees what is kept of the prompts; the model stays with whoever loaded it. */
  readonly close: () => void;
}

/** Prompts that run at once. */
const AT_ONCE = 16;

/** Keeps what the frozen layers give for the prompts, for models that are compared on them. Throws an {@link InputError}. */
export const openChooser = (
  tf: TensorFlow,
  adapted: AdaptedModel,
  prompts: readonly Int32Array[],
  choices: readonly number[],
): Chooser => {
  const { model, firstTrained } = adapted;
  for (const prompt of prompts) checkPrompt(model, prompt);
  const table = model.head;
  invariant(table !== undefined, "the model foretells tokens");
  const head = tf.tidy(() => tf.gather(table, tf.tensor1d([...choices], "int32")));
  const parts = Array.from({ length: Math.ceil(prompts.length / AT_ONCE) }, (_, i) => {
    const ids = prompts.slice(i * AT_ONCE, (i + 1) * AT_ONCE);
    const batch = batchOf(ids.map((row) => ({ ids: row, targets: new Uint8Array(row.length) })));
    return { batch, prefix: frozenPrefix(tf, model, batch, firstTrained) };
  });
  return {
    choose: (parameters) => choose({ tf, adapted, head, parts }, parameters),
    close: () => tf.dispose([head, ...parts.map(({ prefix }) => prefix)]),
  };
};

interface Part {
  readonly batch: LanguageBatch;
  readonly prefix: Tensor2D;
}

interface Open {
  readonly tf: TensorFlow;
  readonly adapted: AdaptedModel;
  /** Of the choices alone. */
  readonly head: Tensor2D;
  readonly parts: readonly Part[];
}

const choose = async (open: Open, values: Float32Array): Promise<readonly number[]> => {
  const { tf, adapted, parts } = open;
  const parameters: Tensor1D = tf.tensor1d(values);
  const bound = bindAdapters(tf, adapted, parameters);
  const chosen: number[] = [];
  try {
    for (const part of parts) {
      const best = bestOf(open, bound.byLinear, part);
      chosen.push(...(await best.data<"int32">()));
      best.dispose();
    }
    return chosen;
  } finally {
    bound.free();
    parameters.dispose();
  }
};

const bestOf = ({ tf, adapted, head }: Open, adapters: LayerAdapters, { batch, prefix }: Part): Tensor1D =>
  tf.tidy(() => {
    const { model, firstTrained: from } = adapted;
    const context = batchContext(tf, model.shape, batch);
    const x = runForward(tf, { model, context, adapters, from, end: model.layers.length }, prefix);
    const last = Int32Array.from(batch.lengths, (length, row) => row * batch.length + length - 1);
    return tf.argMax<Tensor1D>(tf.matMul<Tensor2D>(hiddenAt(tf, model, x, last), head, false, true), 1);
  });
