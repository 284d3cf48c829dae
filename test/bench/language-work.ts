/** One training step of SmolLM2-135M: adapters of rank 8 on query and value of every layer, 2 rows of 128 tokens, all of them learned. */
import fs from "node:fs";
import path from "node:path";
import {
  adapterPlaces,
  adapterTensors,
  type BaseModel,
  type LanguageRow,
  loadModel,
  type LoadedModel,
  type LoraPlan,
  openBaseModel,
  openLanguageTrainer,
  parameterCount,
} from "@bulkhead/finetune";
import { openBackend, type TensorFlow } from "@bulkhead/compute";

const FOLDER = path.join(import.meta.dirname, "..", "..", ".cache", "smollm2");

export const languageFile = fs.existsSync(FOLDER)
  ? fs
      .readdirSync(FOLDER)
      .filter((name) => name.endsWith(".gguf"))
      .map((name) => path.join(FOLDER, name))[0]
  : undefined;

export const [ROWS, TOKENS] = [2, 128];

export const PLAN: LoraPlan = { rank: 8, alpha: 16, targets: ["q_proj", "v_proj"] };

export const languageRows: readonly LanguageRow[] = Array.from({ length: ROWS }, (_, row) => ({
  ids: Int32Array.from({ length: TOKENS }, (_id, i) => 1000 + ((row * 7919 + i * 104_729) % 40_000)),
  targets: Uint8Array.from({ length: TOKENS }, (_target, i) => Number(i > 0)),
}));

export interface LanguageWork {
  readonly tf: TensorFlow;
  readonly model: LoadedModel;
  /** One step, forward and back; `keptBytes` bounds what layers keep for the way back. */
  readonly step: (keptBytes: number) => Promise<void>;
}

export const openLanguageModel = async (): Promise<BaseModel> => openBaseModel(languageFile!);

export const openLanguageWork = async (): Promise<LanguageWork> => {
  const { tf } = await openBackend("tensorflow");
  const base = await openLanguageModel();
  const model = await loadModel(tf, base.shape, "language-model", base.tensor);
  await base.close();
  const start = new Float32Array(adapterParameters(base));
  for (const [i] of start.entries()) start[i] = Math.sin(i) / 50;
  return {
    tf,
    model,
    step: async (keptBytes) => {
      const trainer = openLanguageTrainer(tf, model, { plan: PLAN, rows: languageRows, keptBytes });
      const outcome = await trainer.train({
        model: start,
        round: 1,
        rounds: 1,
        localSteps: 1,
        batchSize: ROWS,
        learningRate: 1e-3,
        optimiser: { type: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        schedule: "constant",
        shuffleSeed: new Uint8Array(32),
      });
      trainer.close();
      if (outcome.type === "failed") throw new Error(`training failed: ${outcome.code}`);
    },
  };
};

export const adapterParameters = ({ shape }: Pick<BaseModel, "shape">): number =>
  parameterCount(adapterTensors(adapterPlaces(shape, "language-model", PLAN), PLAN));
