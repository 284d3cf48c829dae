import path from "node:path";
import { InputError } from "@bulkhead/base";
import { openThreadedTrainer, openTrainer, type Trainer, type TrainerSpec } from "@bulkhead/finetune";
import { describe, expect, onTestFinished, test } from "vitest";
import { TINY_EXAMPLES, TINY_TASK, tinyJob } from "../finetune/tiny-classifier.ts";

/** In round r it does what the r-th of these says. */
const odd = (...rounds: readonly string[]): TrainerSpec => ({
  kind: "module",
  path: path.join(import.meta.dirname, "..", "finetune", "trainers", "odd.mjs"),
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
  test("tells its caller what the same trainer tells in the caller's own thread", async () => {
    const spec = odd("well", "well");
    const [there, here] = [await open(spec), await openTrainer(spec)];
    const { backend, notice, tensors, rows } = here;
    expect(there).toMatchObject({ backend, notice, tensors, rows });
    const [told, toldHere]: [unknown[], unknown[]] = [[], []];
    const outcome = await there.train(jobOf(2), (...step) => told.push(step));
    expect(outcome).toEqual(await here.train(jobOf(2), (...step) => toldHere.push(step)));
    expect(told).toEqual(toldHere);
    expect(told).toEqual([[0, 2]]);
    const model = new Float32Array(2);
    expect(await there.evaluate(model, [])).toEqual(await here.evaluate(model, []));
    await here.close();
  });

  test("refuses bad input as what it is, with place and cure", async () => {
    const spec = {
      kind: "classifier",
      modelFolder: "/nowhere",
      task: TINY_TASK,
      examples: TINY_EXAMPLES,
    } as const;
    const error: unknown = await open(spec).catch((thrown: unknown) => thrown);
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
