/**
 * What others load of a round: for a language model an adapter in PEFT layout, for a classifier also its head, else the
 * tensors by their names.
 */
import { utf8 } from "@bulkhead/base";
import {
  canonicalModelBytes,
  type ClassifierTask,
  languageAdapter,
  type LanguageTask,
  parameterCount,
  peftConfig,
  type TensorSpec,
  writeSafetensors,
} from "@bulkhead/finetune";
import { classifierTaskOf, languageTaskOf, type Model } from "@bulkhead/party";
import type { Job } from "@bulkhead/protocol";

type CheckpointFile = readonly [name: string, bytes: Uint8Array];

/** Names as PEFT writes them begin with this; the rest is the head. */
const ADAPTER = "base_model.";

export const checkpointFiles = (job: Job, model: Model): readonly CheckpointFile[] => {
  const language = languageTaskOf(job.contract);
  if (language !== undefined) return languageFiles(job, model, language);
  const task = classifierTaskOf(job.contract);
  return task === undefined
    ? [["model.safetensors", canonicalModelBytes(job.contract.tensors, model.flat)]]
    : classifierFiles(job, model, task);
};

const languageFiles = (
  { contract: { base, tensors } }: Job,
  { flat }: Model,
  task: LanguageTask,
): readonly CheckpointFile[] => [
  ["adapter_model.safetensors", writeSafetensors(languageAdapter(tensors, flat, task))],
  ["adapter_config.json", jsonBytes(peftConfig(task, "language-model", task.lora, base.name))],
];

const classifierFiles = (job: Job, model: Model, task: ClassifierTask): readonly CheckpointFile[] => {
  const { lora, classes, logitScale, maxTokens } = task;
  const adapterConfig = {
    peft_type: "LORA",
    task_type: "FEATURE_EXTRACTION",
    base_model_name_or_path: job.contract.base.name,
    r: lora.rank,
    lora_alpha: lora.alpha,
    lora_dropout: 0,
    target_modules: ["query", "value"],
    layers_to_transform: lora.layers,
    layers_pattern: "layer",
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
  };
  const headConfig = { classes, logitScale, maxTokens, pooling: "mean", normalised: true };
  return [
    ["adapter_model.safetensors", partBytes(job, model, (name) => name.startsWith(ADAPTER))],
    ["adapter_config.json", jsonBytes(adapterConfig)],
    ["head.safetensors", partBytes(job, model, (name) => !name.startsWith(ADAPTER))],
    ["head_config.json", jsonBytes(headConfig)],
  ];
};

const jsonBytes = (value: Readonly<Record<string, unknown>>): Uint8Array =>
  utf8(`${JSON.stringify(value, undefined, 2)}\n`);

const partBytes = (job: Job, { flat }: Model, isIn: (name: string) => boolean): Uint8Array => {
  const specs: TensorSpec[] = [];
  const values: Float32Array[] = [];
  let at = 0;
  for (const spec of job.contract.tensors) {
    const end = at + parameterCount([spec]);
    if (isIn(spec.name)) {
      specs.push(spec);
      values.push(flat.subarray(at, end));
    }
    at = end;
  }
  const part = new Float32Array(parameterCount(specs));
  let to = 0;
  for (const piece of values) {
    part.set(piece, to);
    to += piece.length;
  }
  return canonicalModelBytes(specs, part);
};
