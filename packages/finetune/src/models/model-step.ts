/** Forward through the trained layers and back: the gradient of any function of their output with respect to the adapters. */
import type { Tensor1D, Tensor2D, TensorFlow } from "@bulkhead/compute";
import { type AdaptedModel, bindAdapters, type Dropout } from "./adapted-model.ts";
import { batchContext, disposeContext, type TokenRows } from "./batch-context.ts";
import type { LoadedModel } from "./load-model.ts";
import { embedTokens, runForward, runRecorded } from "./run-layers.ts";

export interface StepSetting {
  readonly adapted: AdaptedModel;
  /** What layers may keep for the way back, in bytes. */
  readonly keptBytes: number;
  readonly dropout?: Dropout;
}

export interface StepInput<T> {
  readonly batch: TokenRows;
  /** What the frozen layers give for the batch, [rows · length, width]; disposed of. Without it they are run. */
  readonly prefix?: Tensor2D;
  /** From the last layer's output, which stays with the caller, to the gradient with respect to it. */
  readonly head: (y: Tensor2D) => { readonly gradient: Tensor2D; readonly result: T };
}

export interface StepOutput<T> {
  readonly result: T;
  /** Flat. */
  readonly gradient: Tensor1D;
  /** So many layers found no room for what they need on the way back, and were run again. */
  readonly rerun: number;
}

export const modelStep = <T>(
  tf: TensorFlow,
  { adapted, keptBytes, dropout }: StepSetting,
  parameters: Tensor1D,
  { batch, prefix, head }: StepInput<T>,
): StepOutput<T> => {
  const { model, firstTrained } = adapted;
  const bound = bindAdapters(tf, adapted, parameters, dropout);
  const context = batchContext(tf, model.shape, batch);
  const run = { model, context, adapters: bound.byLinear, from: firstTrained, end: model.layers.length };
  const x = prefix ?? frozenPrefix(tf, model, batch, firstTrained);
  const recorded = runRecorded(tf, run, x, keptBytes);
  try {
    const { gradient: dy, result } = head(recorded.y);
    recorded.back(dy);
    return { result, gradient: bound.gradient(), rerun: recorded.rerun };
  } finally {
    recorded.free();
    bound.free();
    disposeContext(context);
  }
};

/** What the layers below `end` give, without adapters. */
export const frozenPrefix = (tf: TensorFlow, model: LoadedModel, batch: TokenRows, end: number): Tensor2D =>
  tf.tidy(() => {
    const context = batchContext(tf, model.shape, batch);
    const x = embedTokens(tf, model, batch);
    return runForward(tf, { model, context, adapters: new Map(), from: 0, end }, x);
  });
