/** Weights in safetensors: one file, or the shards that an index names. */
import path from "node:path";
import { ShapeError, textMatching } from "@bulkhead/base";
import { type ModelBytes, openModelBytes } from "./model-bytes.ts";
import { headerLength, LENGTH_BYTES, parseUniqueJson, placedTensors } from "./safetensors-header.ts";
import { printable, soundFile } from "./sound-file.ts";
import type { TensorPlace } from "./tensor-values.ts";

/** The tensors of an open file. Throws an `InputError`. */
export const safetensorsPlaces = async (file: ModelBytes): Promise<readonly TensorPlace[]> => {
  const start = new Uint8Array(Math.min(LENGTH_BYTES, file.size));
  await file.read(0, start);
  const length = soundFile("safetensors", file.place, () => headerLength(start, file.size));
  const header = new Uint8Array(length);
  await file.read(LENGTH_BYTES, header);
  const behind = LENGTH_BYTES + length;
  return soundFile("safetensors", file.place, () =>
    placedTensors(parseUniqueJson(header, "header"), file.size - behind).map((tensor) => ({
      name: tensor.name,
      shape: tensor.shape,
      type: tensor.type,
      bytes: tensor.end - tensor.start,
      at: behind + tensor.start,
      file,
    })),
  );
};

const LONGEST_INDEX = 32 * 2 ** 20;
const MOST_SHARDS = 1000;

/** A file of the index's own folder: no path, and no other kind of file. */
const shardName = textMatching(
  /^[\w-][\w.-]{0,200}\.safetensors$/u,
  "the name of a .safetensors file beside the index",
);

/**
 * The shards that an index names, opened by `keep`, which closes them in the end. Index and shards must say the same:
 * each tensor stands in one shard, and in the one that the index names. Throws an `InputError`.
 */
export const shardPlaces = async (
  indexPlace: string,
  keep: (file: ModelBytes) => ModelBytes,
): Promise<readonly TensorPlace[]> => {
  const map = await readIndex(indexPlace);
  const places = new Map<string, TensorPlace>();
  for (const shard of new Set(map.values())) {
    const file = keep(await openModelBytes(path.join(path.dirname(indexPlace), shard)));
    for (const tensor of await safetensorsPlaces(file))
      soundFile("safetensors", file.place, () => {
        if (map.get(tensor.name) !== shard)
          throw new ShapeError(printable(tensor.name), "a tensor that the index has in this shard");
        places.set(tensor.name, tensor);
      });
  }
  soundFile("safetensors", indexPlace, () => {
    for (const [name, shard] of map)
      if (!places.has(name)) throw new ShapeError(`weight_map.${printable(name)}`, `a tensor of ${shard}`);
  });
  return [...places.values()];
};

const readIndex = async (place: string): Promise<ReadonlyMap<string, string>> => {
  const file = await openModelBytes(place);
  try {
    soundFile("safetensors", place, () => {
      if (file.size > LONGEST_INDEX) throw new ShapeError("index", `at most ${LONGEST_INDEX} bytes`);
    });
    const bytes = new Uint8Array(file.size);
    await file.read(0, bytes);
    return soundFile("safetensors", place, () => weightMap(parseUniqueJson(bytes, "index")));
  } finally {
    await file.close();
  }
};

const weightMap = (index: object): ReadonlyMap<string, string> => {
  const map = "weight_map" in index ? index.weight_map : undefined;
  if (typeof map !== "object" || map === null || Array.isArray(map))
    throw new ShapeError("weight_map", "an object");
  const shards = new Map(
    Object.entries(map).map(([name, shard]) => [name, shardName(shard, `weight_map.${printable(name)}`)]),
  );
  if (shards.size === 0) throw new ShapeError("weight_map", "a tensor");
  if (new Set(shards.values()).size > MOST_SHARDS)
    throw new ShapeError("weight_map", `at most ${MOST_SHARDS} shards`);
  return shards;
};
