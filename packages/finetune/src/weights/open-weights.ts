/** The weights of a model, whatever file they stand in: listed when opened, read a tensor at a time. */
import { stat } from "node:fs/promises";
import path from "node:path";
import { InputError } from "@bulkhead/base";
import type { GgufValue } from "./gguf-metadata.ts";
import { type ModelBytes, openModelBytes, unreadable } from "./model-bytes.ts";
import { isGguf, readGgufHead } from "./open-gguf.ts";
import { safetensorsPlaces, shardPlaces } from "./open-safetensors.ts";
import { printable } from "./sound-file.ts";
import type { TensorType } from "./tensor-types.ts";
import { readFloats, readHalves, type TensorPlace } from "./tensor-values.ts";

export type { GgufNumbers, GgufValue } from "./gguf-metadata.ts";
export type { TensorType } from "./tensor-types.ts";

export interface TensorEntry {
  readonly name: string;
  /** Outermost side first, for GGUF too. */
  readonly shape: readonly number[];
  readonly type: TensorType;
  /** In the file. */
  readonly bytes: number;
}

export interface Weights {
  readonly format: "safetensors" | "gguf";
  readonly place: string;
  /** Whether the place is a folder, beside whose weights the rest of the model stands. */
  readonly isFolder: boolean;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** GGUF's key-value pairs; empty for safetensors. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** One tensor's values, read alone and converted. Throws an {@link InputError}. */
  readonly floats: (name: string) => Promise<Float32Array>;
  /** The same as bfloat16 bits, rounded to nearest even, for frozen weights kept compact. */
  readonly halves: (name: string) => Promise<Uint16Array>;
  readonly close: () => Promise<void>;
}

/**
 * A folder in Hugging Face layout (`model.safetensors`, or `model.safetensors.index.json` and its shards), or one
 * `.safetensors` or `.gguf` file. All that the headers say is checked here: what they list lies in the file, without
 * overlaps. Throws an {@link InputError} that names the tensor and the offset.
 */
export const openWeights = async (place: string): Promise<Weights> => {
  const files: ModelBytes[] = [];
  const keep = (file: ModelBytes): ModelBytes => {
    files.push(file);
    return file;
  };
  const close = async (): Promise<void> => {
    await Promise.all(files.splice(0).map((file) => file.close()));
  };
  try {
    const file = await weightsFile(place);
    return weightsOf(place, { ...(await listed(file, keep)), isFolder: file !== place }, close);
  } catch (error) {
    await close();
    throw error;
  }
};

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/** The file to begin with: of a folder, the single file before the index, as others choose. */
const weightsFile = async (place: string): Promise<string> => {
  const folder = await stateOf(place);
  if (folder?.isDirectory() !== true) return place;
  for (const name of [SINGLE, INDEX]) {
    const file = path.join(place, name);
    if ((await stateOf(file)) !== undefined) return file;
  }
  throw unreadable(place, `there is no ${SINGLE} and no ${INDEX}`);
};

const stateOf = async (place: string) => {
  try {
    return await stat(place);
  } catch {
    return undefined;
  }
};

interface Listed {
  readonly format: Weights["format"];
  readonly places: readonly TensorPlace[];
  readonly metadata: Weights["metadata"];
}

const listed = async (place: string, keep: (file: ModelBytes) => ModelBytes): Promise<Listed> => {
  const metadata = new Map<string, never>();
  if (place.endsWith(".json"))
    return { format: "safetensors", places: await shardPlaces(place, keep), metadata };
  const file = keep(await openModelBytes(place));
  if (place.endsWith(".gguf") || (await isGguf(file))) return { format: "gguf", ...readGgufHead(file) };
  return { format: "safetensors", places: await safetensorsPlaces(file), metadata };
};

const weightsOf = (
  place: string,
  { format, places, metadata, isFolder }: Listed & Pick<Weights, "isFolder">,
  close: Weights["close"],
): Weights => {
  const byName = new Map(places.map((tensor) => [tensor.name, tensor]));
  const placeOf = (name: string): TensorPlace => {
    const tensor = byName.get(name);
    if (tensor !== undefined) return tensor;
    throw new InputError({
      code: "model-tensor",
      place,
      problem: `it has no tensor ${printable(name)}`,
      cure: "use a model of the family that its configuration names",
    });
  };
  const entry = ({ name, shape, type, bytes }: TensorPlace): TensorEntry => ({ name, shape, type, bytes });
  return {
    format,
    place,
    isFolder,
    tensors: new Map(places.map((tensor) => [tensor.name, entry(tensor)])),
    metadata,
    floats: async (name) => readFloats(placeOf(name)),
    halves: async (name) => readHalves(placeOf(name)),
    close,
  };
};
