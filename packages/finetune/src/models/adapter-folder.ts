/** An adapter's folder in PEFT layout, read against the model that it belongs to, written, and merged into it. */
import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { InputError, utf8ToText } from "@bulkhead/base";
import { openWeights } from "../weights/open-weights.ts";
import { type WrittenType, writeSafetensorsFile } from "../weights/write-safetensors.ts";
import { tensorsOf } from "../flat.ts";
import { adapterPlaces, adapterTensors, type LoraPlan } from "./adapter-plan.ts";
import { mergeAdapter } from "./merge-adapter.ts";
import { type BaseModel, useOfShape } from "./open-base-model.ts";
import { peftConfig, peftTensors, readPeftAdapter } from "./peft-adapter.ts";
import { tensorNames } from "./tensor-names.ts";
import type { ChangeTensor } from "./write-model.ts";

const ADAPTER_CONFIG = "adapter_config.json";
const ADAPTER_WEIGHTS = "adapter_model.safetensors";

export interface StoredAdapter {
  readonly plan: LoraPlan;
  /** Both factors of each place, as {@link adapterTensors} names them. */
  readonly trained: Float32Array;
  /** As its configuration names its base model; nothing follows from it. */
  readonly baseName: string | undefined;
}

/** Throws an {@link InputError} where it is none, or none for this model. */
export const readAdapterFolder = async (folder: string, base: BaseModel): Promise<StoredAdapter> => {
  const config = await readConfig(path.join(folder, ADAPTER_CONFIG));
  const weights = await openWeights(path.join(folder, ADAPTER_WEIGHTS));
  try {
    const values = new Map<string, { readonly shape: readonly number[]; readonly values: Float32Array }>();
    for (const { name, shape } of weights.tensors.values())
      values.set(name, { shape, values: await weights.floats(name) });
    const files = {
      config,
      tensor: (name: string) => values.get(name),
      names: [...values.keys()],
      place: folder,
    };
    const name = config["base_model_name_or_path"];
    return {
      ...readPeftAdapter(base.shape, useOfShape(base.shape), files),
      baseName: typeof name === "string" ? name : undefined,
    };
  } finally {
    await weights.close();
  }
};

const LONGEST_CONFIG = 2 ** 20;

const readConfig = async (file: string): Promise<Readonly<Record<string, unknown>>> => {
  try {
    const state = await stat(file);
    if (state.isFile() && state.size <= LONGEST_CONFIG) {
      const json: unknown = JSON.parse(utf8ToText(await readFile(file)));
      if (typeof json === "object" && json !== null && !Array.isArray(json)) return { ...json };
    }
  } catch {
    // Told below.
  }
  throw new InputError({
    code: "checkpoint-unusable",
    place: file,
    problem: "it is missing, or not a JSON object of at most a megabyte",
    cure: "name the folder of an adapter in PEFT layout",
  });
};

/** Into a folder that is there; the weights last. `baseName` is what PEFT loads the base model from. */
export const writeAdapterFolder = async (
  folder: string,
  { shape }: Pick<BaseModel, "shape">,
  { plan, trained }: Pick<StoredAdapter, "plan" | "trained">,
  { baseName, type }: { readonly baseName: string; readonly type: WrittenType },
): Promise<void> => {
  const use = useOfShape(shape);
  const config = peftConfig(shape, use, plan, baseName);
  await writeFile(path.join(folder, ADAPTER_CONFIG), `${JSON.stringify(config, undefined, 2)}\n`);
  await writeSafetensorsFile(
    path.join(folder, ADAPTER_WEIGHTS),
    peftTensors(shape, use, plan, { trained }).map(({ values, ...head }) => ({
      ...head,
      type,
      values: async () => values,
    })),
  );
};

/** Folds the adapter into the projections that have one. */
export const mergeChange = ({ shape, named }: BaseModel, { plan, trained }: StoredAdapter): ChangeTensor => {
  const use = useOfShape(shape);
  const places = adapterPlaces(shape, use, plan);
  const factors = tensorsOf(adapterTensors(places, plan), trained);
  const { inputsFirst } = tensorNames(shape.family, use);
  const byTensor = new Map(
    places.map(({ module, inputs, outputs }, i) => {
      const [a, b] = [factors[2 * i]!.values, factors[2 * i + 1]!.values];
      return [named.nameOf(`${module}.weight`), { sides: { inputs, outputs, inputsFirst }, a, b }] as const;
    }),
  );
  return (name, values) => {
    const place = byTensor.get(name);
    return place === undefined ? values : mergeAdapter(values, place.sides, place, { plan });
  };
};
