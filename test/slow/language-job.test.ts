/** Three sites train a tiny language model under a contract, in memory. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import type { CellOptions } from "@bulkhead/client";
import {
  floatsOf,
  type OnState,
  openTrainer,
  readSafetensors,
  type Trainer,
  type TrainJob,
  type TrainOutcome,
} from "@bulkhead/finetune";
import type { Federation } from "../coordinator/federation.ts";
import { expect, test } from "vitest";
import {
  LANGUAGE_TASK,
  LANGUAGE_TRAINING,
  languageFederation,
  languageSite,
} from "../client/language-federation.ts";
import { cellFolder, newsOf, patientCoordinator, type RunningSite, startSite } from "../client/site.ts";

const DONE = { outcome: "done" };

const reportOf = ({ state, job }: Federation) => {
  const folder = path.join(state, "jobs", bytesToHex(job.contractHash).slice(0, 16));
  return JSON.parse(fs.readFileSync(path.join(folder, "report.json"), "utf8"));
};

test("three sites train one adapter, and PEFT's layout has it", async () => {
  const federation = await languageFederation();
  const coordinator = await patientCoordinator(federation);
  const sites = [1, 2, 3].map((place) =>
    startSite(federation, place, { url: coordinator.url, ...languageSite(federation, place) }),
  );
  expect(await Promise.all(sites.map(({ done }) => done))).toEqual([DONE, DONE, DONE]);
  expect(await coordinator.done).toEqual(DONE);
  const report = reportOf(federation);
  const checkpoint: string = report.checkpoint;
  const config = JSON.parse(fs.readFileSync(path.join(checkpoint, "adapter_config.json"), "utf8"));
  expect(config).toMatchObject({
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: "tiny/llama",
    r: 2,
    lora_alpha: 4,
    target_modules: ["q_proj", "v_proj", "up_proj"],
    layers_to_transform: [1],
  });
  const file = path.join(checkpoint, "adapter_model.safetensors");
  const tensors = readSafetensors(fs.readFileSync(file), file);
  expect([...tensors.keys()]).toEqual(federation.contract.tensors.map(({ name }) => name));
  for (const tensor of tensors.values()) expect(floatsOf(tensor)!.every(Number.isFinite)).toBe(true);
  const [first, second] = report.rounds;
  expect(first.scalars["held-out-rows"]).toBeGreaterThan(3);
  expect(second.scalars["held-out-rows"]).toBe(first.scalars["held-out-rows"]);
  expect(second.scalars["held-out-loss-sum"]).toBeLessThan(first.scalars["held-out-loss-sum"]);
  expect(second.meanLoss).toBeLessThan(first.meanLoss);
  expect(newsOf(sites[0]!, "trained")).toHaveLength(2);
  expect(fs.readdirSync(cellFolder(federation, sites[0]!))).not.toContain("activations.spill");
});

/** The real trainer, which is closed in the middle of its first round, or hears what it is asked. */
const watched = (jobs: TrainJob[], stopAfter?: { readonly step: number; readonly stop: () => void }) => {
  const open: NonNullable<CellOptions["openTrainer"]> = async (spec) => {
    const trainer = await openTrainer(spec);
    let breakOff = () => {};
    const closed = new Promise<never>((_, reject) => {
      breakOff = () => reject(new Error("the worker thread was closed"));
    });
    closed.catch(() => undefined);
    const train: Trainer["train"] = async (job, onStep, onState) => {
      jobs.push(job);
      const heard: OnState = (state) => {
        onState?.(state);
        if (state.step === stopAfter?.step) stopAfter.stop();
      };
      const trained = trainer.train(job, onStep, heard);
      return stopAfter === undefined ? trained : Promise.race([closed, trained.then(() => closed)]);
    };
    const close = (): Promise<void> => {
      breakOff();
      return trainer.close();
    };
    return { ...trainer, train, close };
  };
  return open;
};

const copyOf = (outcome: TrainOutcome): TrainOutcome =>
  outcome.type === "trained" ? { ...outcome, update: Float32Array.from(outcome.update) } : outcome;

test("a site that is killed in the middle of a round goes on from there, to the very same update", async () => {
  const federation = await languageFederation({
    training: { ...LANGUAGE_TRAINING, rounds: 1, localSteps: 6 },
  });
  const coordinator = await patientCoordinator(federation);
  const start = (place: number, cell: Partial<CellOptions> = {}) => {
    const site = languageSite(federation, place);
    return startSite(federation, place, { url: coordinator.url, ...site, cell: { ...site.cell, ...cell } });
  };
  const others = [start(2), start(3)];
  const [before, after]: [TrainJob[], TrainJob[]] = [[], []];
  const killed: RunningSite = start(1, {
    openTrainer: watched(before, { step: 3, stop: () => setTimeout(() => killed.kill(), 200) }),
  });
  await killed.done;
  expect(fs.readdirSync(cellFolder(federation, killed))).toContain("training.sealed");
  const outcomes: TrainOutcome[] = [];
  const again = start(1, {
    openTrainer: async (spec) => {
      const trainer = await watched(after)(spec);
      const train: Trainer["train"] = async (job, ...listeners) => {
        const { from: _, ...whole } = job;
        const outcome = await trainer.train(job, ...listeners);
        // A copy: what is masked is wiped afterwards.
        outcomes.push(copyOf(outcome), copyOf(await trainer.train(whole)));
        return outcome;
      };
      return { ...trainer, train };
    },
  });
  expect(await Promise.all([again, ...others].map(({ done }) => done))).toEqual([DONE, DONE, DONE]);
  expect(await coordinator.done).toEqual(DONE);
  expect(before.map(({ from }) => from)).toEqual([undefined]);
  expect(after[0]!.from!.step).toBeGreaterThanOrEqual(3);
  expect(outcomes[0]).toEqual(outcomes[1]);
  expect(fs.readdirSync(cellFolder(federation, killed))).not.toContain("training.sealed");
});

test("a job ends when the sums over held-out rows get no better, at every party alike", async () => {
  const federation = await languageFederation({
    training: {
      ...LANGUAGE_TRAINING,
      rounds: 6,
      learningRate: 1e-9,
      stopping: { figure: "held-out-loss", patience: 2, improvement: 0.001 },
    },
  });
  const coordinator = await patientCoordinator(federation);
  const sites = [1, 2, 3].map((place) =>
    startSite(federation, place, { url: coordinator.url, ...languageSite(federation, place) }),
  );
  expect(await Promise.all(sites.map(({ done }) => done))).toEqual([DONE, DONE, DONE]);
  expect(await coordinator.done).toEqual(DONE);
  const report = reportOf(federation);
  expect(report).toMatchObject({ outcome: "done", roundsApplied: 3, best: { round: 0, checkpoint: null } });
  expect(report.rounds.map((round: { heldOut: { afterRound: number } }) => round.heldOut.afterRound)).toEqual(
    [0, 1, 2],
  );
  // Started again, a site knows that nothing is left to do, with nobody to ask.
  const settings = { ...languageSite(federation, 1).settings, isUsed: true };
  const again = startSite(federation, 1, {
    url: "ws://127.0.0.1:1",
    ...languageSite(federation, 1),
    settings,
  });
  expect(await again.done).toEqual(DONE);
});

test("where A is frozen only B is sent, and PEFT's layout has both", async () => {
  const task = { ...LANGUAGE_TASK, lora: { ...LANGUAGE_TASK.lora, frozenA: true }, deviation: 0.1 };
  const federation = await languageFederation({ task, training: { ...LANGUAGE_TRAINING, rounds: 1 } });
  expect(federation.contract.tensors.every(({ name }) => name.includes("lora_B"))).toBe(true);
  const coordinator = await patientCoordinator(federation);
  const sites = [1, 2, 3].map((place) =>
    startSite(federation, place, { url: coordinator.url, ...languageSite(federation, place) }),
  );
  expect(await Promise.all(sites.map(({ done }) => done))).toEqual([DONE, DONE, DONE]);
  await coordinator.done;
  const file = path.join(reportOf(federation).checkpoint, "adapter_model.safetensors");
  const tensors = [...readSafetensors(fs.readFileSync(file), file).values()];
  expect(tensors.map(({ name }) => name.slice(-13))).toEqual(
    Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? "lora_A.weight" : "lora_B.weight")),
  );
  const drawn = floatsOf(tensors[0]!)!;
  expect(Math.hypot(...drawn) / Math.sqrt(drawn.length)).toBeCloseTo(0.1, 1);
});
