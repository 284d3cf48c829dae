import path from "node:path";
import { openTrainer, type Trainer } from "@bulkhead/finetune";
import { describe, expect, test } from "vitest";
import { tinyJob } from "./tiny-classifier.ts";

const TENSORS = [
  { name: "a", shape: [2, 2] },
  { name: "b", shape: [] },
];
const ODD = path.join(import.meta.dirname, "trainers", "odd.mjs");

const open = (what: string, file = ODD): Promise<Trainer> =>
  openTrainer({ kind: "module", path: file, examples: [{ text: what, label: 0 }], tensors: TENSORS });

const refused = (problem: string, place = ODD) => ({
  name: "InputError",
  code: "config-trainer-module",
  place,
  problem: expect.stringContaining(problem),
});

const job = tinyJob(Float32Array.of(1, 2, 3, 4, 5));

describe("a site's own trainer", () => {
  test("trains and judges as it will, and gives nothing that was not asked for", async () => {
    const trainer = await open("well");
    expect(trainer).toMatchObject({ backend: "odd", notice: undefined, rows: 1, tensors: TENSORS });
    const told: (readonly [number, number])[] = [];
    const outcome = await trainer.train({ ...job, round: 4 }, (...step) => told.push(step));
    expect(told).toEqual([[0, 4]]);
    expect(outcome).toEqual({
      type: "trained",
      update: Float32Array.of(2, 4, 6, 8, 10),
      examples: 5,
      lossSum: 7,
    });
    expect(await trainer.evaluate(job.model, [])).toMatchObject({ loss: 2 });
    await trainer.close();
  });

  test.each([
    ["short", "its update has 1 values, not 5"],
    ["list", "its update is not a Float32Array"],
    ["double", "its update is not a Float32Array"],
    ["uncounted", "its count of examples is not a whole number"],
    ["unsummed", "its sum of losses is not a finite number"],
    ["silent", "train gives neither an update nor a known failure"],
    ["inventive", "train gives neither an update nor a known failure"],
  ])("that gives what is no outcome is refused: %s", async (what, problem) => {
    const trainer = await open(what);
    await expect(trainer.train(job)).rejects.toMatchObject(refused(problem));
  });

  test("whose update is infinite in one tensor leaves the round and names it", async () => {
    const trainer = await open("infinite");
    expect(await trainer.train(job)).toEqual({
      type: "failed",
      code: "non-finite-update",
      facts: { tensors: ["b"] },
    });
  });

  test("that fails in a known way fails in that way", async () => {
    const outcome = await (await open("failing")).train(job);
    expect(outcome).toMatchObject({ code: "non-finite-loss", facts: { step: 2, rows: [0] } });
  });

  test("that judges without figures is refused", async () => {
    const trainer = await open("no figures");
    await expect(trainer.evaluate(job.model, [])).rejects.toMatchObject(refused("gives no figures"));
  });

  test.each([
    ["nothing", "what createTrainer gives is not a trainer"],
    ["no count", "what createTrainer gives is not a trainer"],
    ["other tensors", "its tensors are not those of the contract"],
  ])("that is none, or not the contract's, is not opened: %s", async (what, problem) => {
    await expect(open(what)).rejects.toMatchObject(refused(problem));
  });

  test.each([
    ["empty.mjs", "it exports no function createTrainer"],
    ["broken.mjs", "it cannot be loaded: no license"],
    ["missing.mjs", "it cannot be loaded: Cannot find module"],
  ])("that cannot be loaded is refused in one line: %s", async (name, problem) => {
    const file = path.join(import.meta.dirname, "trainers", name);
    const opening = open("well", file);
    await expect(opening).rejects.toMatchObject(refused(problem, file));
    await expect(opening).rejects.toThrow(/^[^\n]*$/u);
  });
});
