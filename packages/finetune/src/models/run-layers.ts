/** Token ids to hidden states, and through any run of layers, forward or forward and back. */
import type { Tensor2D, TensorFlow } from "@bulkhead/compute";
import type { KeyValueCache } from "./attention-steps.ts";
import { type BatchContext, positionsOf, type TokenRows } from "./batch-context.ts";
import { block, type LayerAdapters } from "./block.ts";
import type { LoadedModel } from "./load-model.ts";
import { norm } from "./norm-steps.ts";
import { type Back, forwardOnly, recordedPass } from "./pass.ts";

/** [rows · length, width]; `past` tokens of each row came before. */
export const embedTokens = (
  tf: TensorFlow,
  model: LoadedModel,
  batch: Pick<TokenRows, "ids" | "rows" | "length" | "segments" | "lengths">,
  past = 0,
): Tensor2D =>
  tf.tidy(() => {
    const words = tf.gather(model.words, tf.tensor1d(batch.ids, "int32"));
    const places = () =>
      tf.tensor1d(
        positionsOf(batch).map((position) => position + past),
        "int32",
      );
    const placed =
      model.positions === undefined ? words : tf.add<Tensor2D>(words, tf.gather(model.positions, places()));
    return model.embeddingNorm === undefined ? placed : norm(forwardOnly(tf), model.embeddingNorm, placed).y;
  });

export interface LayerRun {
  readonly model: LoadedModel;
  readonly context: BatchContext;
  readonly adapters: LayerAdapters;
  readonly from: number;
  readonly end: number;
}

/** The result belongs to the caller, and so does `x`. */
export const runForward = (
  tf: TensorFlow,
  { model, context, adapters, from, end }: LayerRun,
  x: Tensor2D,
  caches?: readonly KeyValueCache[],
): Tensor2D =>
  tf.tidy(() => {
    const { shape } = model;
    let state = x;
    for (let i = from; i < end; i++) {
      const cache = caches?.[i];
      const setting = {
        shape,
        weights: model.layers[i]!,
        adapters,
        context,
        ...(cache === undefined ? {} : { cache }),
      };
      const before = state;
      state = tf.tidy(() => block(forwardOnly(tf), setting, before).y);
      if (before !== x) before.dispose();
    }
    return state === x ? tf.clone(x) : state;
  });

export interface RecordedRun {
  readonly y: Tensor2D;
  /** Takes the gradient through the layers, which hands those of the adapters to them; disposes of its argument. */
  readonly back: (dy: Tensor2D) => void;
  /** So many layers found no room in memory for what they need on the way back, and are run again. */
  readonly rerun: number;
  /** Frees what `back` has not. */
  readonly free: () => void;
}

/**
 * What a layer needs on the way back is kept as long as `keptBytes` last; the others keep their input alone and are run
 * again on the way. The gradients are the same to the bit either way. `x` is disposed of.
 */
export const runRecorded = (tf: TensorFlow, run: LayerRun, x: Tensor2D, keptBytes: number): RecordedRun => {
  const layers: Recorded[] = [];
  let room = keptBytes;
  let state = x;
  for (let i = run.from; i < run.end; i++) {
    const layer = recordLayer(tf, run, i, state);
    const fits = layer.bytes <= room;
    if (fits) room -= layer.bytes;
    layers.push(fits ? layer : { ...layer, ...forgetting(tf, run, i, layer) });
    state = layer.y;
  }
  return {
    y: state,
    rerun: layers.filter(({ kept }) => !kept).length,
    back: (dy) => {
      let gradient = dy;
      for (const layer of layers.toReversed()) {
        const after = gradient;
        gradient = layer.back(after);
        after.dispose();
        layer.free();
      }
      gradient.dispose();
    },
    free: () => {
      for (const layer of layers) layer.free();
      state.dispose();
    },
  };
};

interface Recorded {
  readonly kept: boolean;
  readonly bytes: number;
  readonly x: Tensor2D;
  readonly y: Tensor2D;
  readonly back: Back;
  readonly free: () => void;
}

const recordLayer = (
  tf: TensorFlow,
  { model, context, adapters }: LayerRun,
  index: number,
  x: Tensor2D,
): Recorded => {
  const pass = recordedPass(tf);
  const setting = { shape: model.shape, weights: model.layers[index]!, adapters, context };
  let back: Back | undefined;
  const y = tf.tidy(() => {
    const stepped = block(pass, setting, x);
    ({ back } = stepped);
    return stepped.y;
  });
  return {
    kept: true,
    bytes: pass.bytes(),
    x,
    y,
    back: (dy) => tf.tidy(() => back!(dy)),
    free: () => {
      pass.free();
      x.dispose();
    },
  };
};

/** Of a layer that has run: frees what was kept but for the input, and runs it again on the way back. */
const forgetting = (tf: TensorFlow, run: LayerRun, index: number, { x, y, free }: Recorded) => {
  const input = tf.clone(x);
  // A layer's own input may be among what it keeps; the clone shares its values.
  free();
  return {
    kept: false,
    x: input,
    y,
    back: (dy: Tensor2D): Tensor2D => {
      const again = recordLayer(tf, run, index, input);
      again.y.dispose();
      const dx = again.back(dy);
      again.free();
      return dx;
    },
    free: () => input.dispose(),
  };
};
