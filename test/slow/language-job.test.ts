/** Three sites train a tiny language model under a contract, in memory. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import { floatsOf, readSafetensors } from "@bulkhead/finetune";
import type { Federation } from "../coordinator/federation.ts";
import { expect, test } from "vitest";
import { languageFederation, languageSite } from "../client/language-federation.ts";
import { cellFolder, newsOf, patientCoordinator, startSite } from "../client/site.ts";

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
