export * from "./apply-update.ts";
export { drawRows, type DrawnFrom, firstBlocks } from "./batches.ts";
export * from "./classifier-checkpoint.ts";
export { classifierTensors } from "./classifier-tensors.ts";
export * from "./classifier-trainer.ts";
export { evaluationOf, type Judged } from "./evaluation.ts";
export { canonicalModelBytes } from "./flat.ts";
export * from "./initial-classifier.ts";
export { baseDigest } from "./model-files.ts";
export type { ModuleTrainerOptions } from "./module-trainer.ts";
export { openTrainer, type TrainerSpec } from "./open-trainer.ts";
export type { Activations, ActivationStore, Named, NamedText } from "./prefix-cache.ts";
export * from "./language-task.ts";
export * from "./measure-training.ts";
export type { ChatRecipe } from "./rows/chat-row.ts";
export { fnv1a, type HashSplit, isForTesting, type SplitRows, splitRows } from "./rows/hash-split.ts";
export type { DataRow } from "./rows/data-row.ts";
export { recipeColumns, type RowRecipe, rowsToTokens } from "./rows/row-recipe.ts";
export { rowRuns, type Run } from "./rows/row-runs.ts";
export { packRows, padRows, type Rectangle, type TokenBatch } from "./rows/token-batch.ts";
export type { CutReport, Reader, TokenRow, TokenRows } from "./rows/token-row.ts";
export * from "./weights/open-weights.ts";
export { undoRopePermutation } from "./weights/rope-permutation.ts";
export { floatsOf, readSafetensors, type StoredTensor } from "./weights/safetensors.ts";
export * from "./weights/write-safetensors.ts";
export * from "./text-directions.ts";
export { openThreadedTrainer } from "./threaded-trainer.ts";
export {
  type ChatMessage,
  type ChatTemplate,
  type ChatTemplateSource,
  openChatTemplate,
  type RenderOptions,
} from "./tokenizer/chat-template.ts";
export type { GgufMetadata } from "./tokenizer/gguf-fields.ts";
export { openTextTokenizer, type TextTokenizer, type TokenizerSource } from "./tokenizer/text-tokenizer.ts";
export { openTokenizer, type Tokenize } from "./tokenizer/tokenizer.ts";
export * from "./trainer.ts";
export { clippedByNorm, startOptimiser } from "./optimiser.ts";
export { type AdaptedModel, adaptModel } from "./models/adapted-model.ts";
export * from "./models/adapter-plan.ts";
export { languageModelDigest } from "./models/language-digest.ts";
export * from "./models/language-files.ts";
export { languageStep } from "./models/language-loss.ts";
export { type LoadedModel, loadModel, type ModelWeights } from "./models/load-model.ts";
export * from "./models/model-shape.ts";
export { shapeOfConfig } from "./models/shape-of-config.ts";
export { nameOfGguf } from "./models/tensor-names.ts";
export { type TokenLosses, tokenLosses } from "./models/token-losses.ts";
export { type Chooser, openChooser } from "./models/choose-token.ts";
export { generate, type GenerateOptions } from "./models/generate.ts";
export { modelStep } from "./models/model-step.ts";
export * from "./models/run-model.ts";
export type { Speaker } from "./models/speaker.ts";
export type { LanguageModelTrainerOptions } from "./models/language-model-trainer.ts";
export * from "./models/language-trainer.ts";
export { type Spill, spillingStore } from "./spilling-store.ts";
export { batchOf, type LanguageBatch, type LanguageRow } from "./models/language-rows.ts";
export * from "./models/merge-adapter.ts";
export * from "./models/peft-adapter.ts";
export { sampleToken, type Sampling } from "./models/sample-token.ts";
export { configOfGguf } from "./models/config-of-gguf.ts";
export * from "./models/open-base-model.ts";
export { modelTensors } from "./models/model-tensors.ts";
export * from "./models/write-model.ts";
export * from "./models/adapter-folder.ts";
export * from "./models/prompt.ts";
