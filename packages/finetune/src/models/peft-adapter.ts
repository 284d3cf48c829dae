/** Adapters in PEFT's layout: `adapter_config.json` and the tensors of `adapter_model.safetensors`, both ways. */
import { boolean, finite, InputError, integer, listOf, ShapeError, type Shape, text } from "@bulkhead/base";
import { tensorsOf } from "../flat.ts";
import type { NamedValues } from "../weights/write-safetensors.ts";
import { parameterCount } from "../trainer.ts";
import { adapterPlaces, adapterTensors, isTarget, type LoraPlan, projectionsOf } from "./adapter-plan.ts";
import { configFields } from "./config-fields.ts";
import type { ModelShape, ModelUse } from "./model-shape.ts";
import { projectionNames, tensorNames } from "./tensor-names.ts";

const TASK_TYPES = {
  "language-model": "CAUSAL_LM",
  classification: "SEQ_CLS",
  embedding: "FEATURE_EXTRACTION",
} as const;

/** Which PEFT reads back as the same plan. `baseModel` is a name or a place that its reader knows. */
export const peftConfig = (
  { family }: Pick<ModelShape, "family">,
  use: ModelUse,
  plan: LoraPlan,
  baseModel: string,
): Readonly<Record<string, unknown>> => ({
  peft_type: "LORA",
  task_type: TASK_TYPES[use],
  base_model_name_or_path: baseModel,
  inference_mode: true,
  r: plan.rank,
  lora_alpha: plan.alpha,
  lora_dropout: plan.dropout ?? 0,
  use_rslora: plan.rankStabilised ?? false,
  use_dora: false,
  bias: "none",
  target_modules:
    plan.targets === "all-linear" ? projectionNames(tensorNames(family, use)) : [...plan.targets],
  layers_to_transform: plan.layers?.toSorted((a, b) => a - b) ?? null,
  layers_pattern: plan.layers === undefined ? null : tensorNames(family, use).layers.split(".").at(-1),
  fan_in_fan_out: tensorNames(family, use).inputsFirst,
  init_lora_weights: true,
  modules_to_save: null,
});

/** From a flat vector of what is trained, and A where it is not, to PEFT's tensors. */
export const peftTensors = (
  shape: ModelShape,
  use: ModelUse,
  plan: LoraPlan,
  { trained, frozenA }: AdapterValues,
): readonly NamedValues[] => {
  const places = adapterPlaces(shape, use, plan);
  const named = tensorsOf(adapterTensors(places, plan), trained);
  if (plan.frozenA !== true) return named;
  const specs = places.map(({ module, inputs }) => ({
    name: `base_model.model.${module}.lora_A.weight`,
    shape: [plan.rank, inputs],
  }));
  return tensorsOf(specs, frozenA ?? new Float32Array()).flatMap((a, i) => [a, named[i]!]);
};

export interface AdapterValues {
  readonly trained: Float32Array;
  /** All A one after another, where the plan freezes them. */
  readonly frozenA?: Float32Array;
}

export interface PeftFiles {
  readonly config: Readonly<Record<string, unknown>>;
  /** By their names in the file; `undefined` for a type that holds no floats. */
  readonly tensor: (
    name: string,
  ) => { readonly shape: readonly number[]; readonly values: Float32Array } | undefined;
  /** Of all tensors in the file. */
  readonly names: readonly string[];
  /** For errors. */
  readonly place: string;
}

/**
 * The plan and the values of an adapter that PEFT saved. What would change its result and is not known here is refused
 * by name; so is a tensor too few or too many. Throws an {@link InputError}.
 */
export const readPeftAdapter = (
  shape: ModelShape,
  use: ModelUse,
  files: PeftFiles,
): { readonly plan: LoraPlan; readonly trained: Float32Array } => {
  const plan = refusing(files, () => planOf(shape, use, files));
  const specs = adapterTensors(adapterPlaces(shape, use, plan), plan);
  const trained = new Float32Array(parameterCount(specs));
  for (const { name, shape: sides, values } of tensorsOf(specs, trained)) {
    const stored = files.tensor(name);
    if (stored?.shape.join() !== sides.join())
      throw unusable(files.place, `it has no tensor ${name} of shape [${sides.join()}]`);
    values.set(stored.values);
  }
  const wanted = new Set(specs.map(({ name }) => name));
  if (files.names.some((name) => !wanted.has(name)))
    throw unusable(files.place, "it holds a tensor that its configuration does not name");
  return { plan, trained };
};

const refusing = <T>({ place }: PeftFiles, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (error instanceof ShapeError) throw unusable(place, error.message);
    throw error;
  }
};

const unusable = (place: string, problem: string): InputError =>
  new InputError({
    code: "checkpoint-unusable",
    place,
    problem,
    cure: "give a LoRA adapter as PEFT saves it, and the base model that it was trained on",
  });

/** Fields whose other values would need other arithmetic, and the values that do not. */
const ONLY: Readonly<Record<string, readonly unknown[]>> = {
  peft_type: ["LORA"],
  bias: ["none"],
  use_dora: [false],
  use_qalora: [false],
  lora_bias: [false],
  alora_invocation_tokens: [],
  arrow_config: [],
  corda_config: [],
  eva_config: [],
  loftq_config: [],
  lora_ga_config: [],
  layer_replication: [],
  exclude_modules: [],
  modules_to_save: [],
  trainable_token_indices: [],
  target_parameters: [],
  init_lora_weights: [true, false, "gaussian"],
};

/** What a file says of its making, and of the parts that {@link ONLY} rules out. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(
  `auto_mapping base_model_name_or_path ensure_weight_tying inference_mode layers_pattern megatron_config megatron_core
  peft_version qalora_group_size revision runtime_config task_type`.split(/\s+/u),
);

const names = listOf(text(200), 4096, 1);

/** PEFT writes a number of layers for one of them. */
const layerList: Shape<readonly number[]> = (value, path) =>
  listOf(integer(0, 1 << 20), 4096)(typeof value === "number" ? [value] : value, path);

/** A pattern is a whole name in PEFT, which is a regular expression there: such a one is not taken for a name here. */
const targetsOf: Shape<"all-linear" | readonly string[]> = (value, path = "") =>
  value === "all-linear" ? value : names(value, path);

const emptyObject: Shape<undefined> = (value, path = "") => {
  if (typeof value === "object" && value !== null && Object.keys(value).length === 0) return undefined;
  throw new ShapeError(path, "nothing");
};

const planOf = (shape: ModelShape, use: ModelUse, { config }: PeftFiles): LoraPlan => {
  const known = Object.fromEntries(
    Object.entries(config).filter(([, value]) => value !== null && !isEmpty(value)),
  );
  const fields = configFields(known, WITHOUT_EFFECT);
  for (const [name, values] of Object.entries(ONLY)) fields.only(name, ...values);
  for (const name of ["rank_pattern", "alpha_pattern"]) fields.maybe(name, emptyObject);
  fields.maybe("fan_in_fan_out", boolean);
  const layers = fields.maybe("layers_to_transform", layerList);
  const rankStabilised = fields.maybe("use_rslora", boolean) ?? false;
  const plan = {
    rank: fields.get("r", integer(1, 1 << 16)),
    alpha: fields.get("lora_alpha", finite()),
    targets: shortened(fields.get("target_modules", targetsOf), shape, use),
    dropout: fields.maybe("lora_dropout", finite(0, 1)) ?? 0,
    ...(layers === undefined ? {} : { layers }),
    ...(rankStabilised ? { rankStabilised } : {}),
  };
  fields.close();
  return plan;
};

/** PEFT writes out every projection where all were asked for. */
const shortened = (targets: LoraPlan["targets"], shape: ModelShape, use: ModelUse): LoraPlan["targets"] =>
  projectionsOf(shape, use).every(({ module }) => isTarget(targets, module)) ? "all-linear" : targets;

const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;
