export * from "./apply-update.ts";
export * from "./classifier-checkpoint.ts";
export { classifierTensors } from "./classifier-tensors.ts";
export * from "./classifier-trainer.ts";
export { canonicalModelBytes } from "./flat.ts";
export * from "./initial-classifier.ts";
export { baseDigest } from "./model-folder.ts";
export * from "./trainer.ts";
