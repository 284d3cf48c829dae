/** A model as it answers: with the adapters of one trained vector, or without any. */
import type { Tensor1D, TensorFlow } from "@bulkhead/compute";
import { type AdaptedModel, bindAdapters } from "./adapted-model.ts";
import type { LayerAdapters } from "./block.ts";
import type { LoadedModel } from "./load-model.ts";

export type Speaker =
  | { readonly model: LoadedModel }
  | { readonly adapted: AdaptedModel; readonly parameters: Float32Array };

export interface Voice {
  readonly model: LoadedModel;
  readonly adapters: LayerAdapters;
  /** Frees the adapters. */
  readonly free: () => void;
}

export const openVoice = (tf: TensorFlow, speaker: Speaker): Voice => {
  if ("model" in speaker) return { model: speaker.model, adapters: new Map(), free: () => {} };
  const parameters: Tensor1D = tf.tensor1d(speaker.parameters);
  const bound = bindAdapters(tf, speaker.adapted, parameters);
  parameters.dispose();
  return { model: speaker.adapted.model, adapters: bound.byLinear, free: bound.free };
};
