import path from "node:path";
import { InputError } from "@bulkhead/base";
import { openThreadedTrainer, openTrainer, type Trainer, type TrainerSpec } from "@bulkhead/finetune";
import { describe, expect, onTestFinished, test } from "vitest";
import { randomModel, TINY_EXAMPLES, TINY_TASK, tinyJob } from "./tiny-classifier.ts";
import { tinyModelFolder } from "./tiny-model.ts";

const classifier = (changes: object = {}): TrainerSpec => ({
  kind: "classifier",
  modelFolder: tinyModelFolder(),
  task: TINY_TASK,
  examples: TINY_EXAMPLES,
  backend: "cpu",
  ...changes,
});

/** In round r it does what the r-th of these says. */
const odd = (...rounds: readonly string[]): TrainerSpec => ({
  kind: "module",
  path: path.join(import.meta.dirname, "trainers", "odd.mjs"),
  examples: rounds.map((text) => ({ text, label: 0 })),
  tensors: [{ name: "a", shape: [2] }],
});

const open = async (spec: TrainerSpec): Promise<Trainer> => {
  const trainer = await openThreadedTrainer(spec);
  onTestFinished(() => trainer.close());
  return trainer;
};

const jobOf = (round: number) => tinyJob(Float32Array.of(1, 2), { round });

describe("a trainer in a thread", () => {
  test("is to its caller what the same trainer is in the caller's own thread, which it leaves free", async () => {
    const spec = classifier();
    const [there, here] = [await open(spec), await openTrainer(spec)];
    const { backend, notice, tensors, rows } = here;
    expect(there).toMatchObject({ backend, notice, tensors, rows });
    const job = tinyJob(await randomModel(tinyModelFolder(), TINY_TASK), { localSteps: 20 });
    const [told, toldHere]: [unknown[], unknown[]] = [[], []];
    const wanted = await here.train(job, (...step) => toldHere.push(step));
    let beats = 0;
    const heart = setInterval(() => beats++, 1);
    const outcome = await there.train(job, (...step) => told.push(step));
    clearInterval(heart);
    expect(beats).toBeGreaterThan(5);
    expect(outcome).toEqual(wanted);
    expect(outcome.type).toBe("trained");
    expect(told).toEqual(toldHere);
    expect(told).toHaveLength(20);
    const judgement = await here.evaluate(job.model, TINY_EXAMPLES);
    expect(await there.evaluate(job.model, TINY_EXAMPLES)).toEqual(judgement);
    await here.close();
  });

  test("refuses bad input as what it is, with place and cure", async () => {
    const error: unknown = await open(classifier({ modelFolder: "/nowhere" })).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ code: "model-files", place: "/nowhere" });
  });

  test("passes on how a round fails and goes on, until its thread ends", async () => {
    const trainer = await open(odd("well", "failing", "short", "throwing", "exiting"));
    expect(await trainer.train(jobOf(1))).toMatchObject({ type: "trained", update: Float32Array.of(2, 4) });
    expect(await trainer.train(jobOf(2))).toMatchObject({ type: "failed", code: "non-finite-loss" });
    await expect(trainer.train(jobOf(3))).rejects.toBeInstanceOf(InputError);
    await expect(trainer.train(jobOf(4))).rejects.toThrow("as asked");
    expect(await trainer.evaluate(new Float32Array(2), [])).toMatchObject({ loss: 2 });
    await expect(trainer.train(jobOf(5))).rejects.toThrow("a worker thread ended by itself, with code 3");
    await expect(trainer.train(jobOf(1))).rejects.toThrow("ended by itself");
  });

  test("is closed in the middle of a training, which then rejects", async () => {
    const trainer = await open(odd("hanging"));
    const training = expect(trainer.train(jobOf(1))).rejects.toThrow("closed");
    await trainer.close();
    await training;
    await trainer.close();
  });
});
