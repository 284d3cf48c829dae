/** A tiny language model trained by real processes, one of them killed in the middle of its round. */
import fs from "node:fs";
import path from "node:path";
import {
  copyFederation,
  coordinatorFolder,
  type Federation,
  freePort,
  type Program,
  setUpFederation,
  siteFolder,
  startCoordinator,
  startSite,
} from "@bulkhead/scenarios";
import { expect, test } from "vitest";
import { LANGUAGE_TASK, LANGUAGE_TRAINING } from "../client/language-federation.ts";
import { tinyLanguageModel } from "../finetune/tiny-language-model.ts";
import { freshFolder } from "../launch.ts";

const NAMES = ["north", "east", "west"];
const STEPS = 60;

const setUp = async (): Promise<Federation> => {
  const folder = freshFolder();
  const modelFolder = tinyLanguageModel();
  const sites = NAMES.map((name, site) => {
    const data = path.join(folder, "data", name);
    fs.mkdirSync(data, { recursive: true });
    const rows = Array.from({ length: 24 }, (_, i) =>
      JSON.stringify({
        Subject: `${"nts"[i % 3]}${site}${i}`,
        body: "mail",
        folder: ["news", "talk", "spam"][i % 3],
      }),
    );
    fs.writeFileSync(path.join(data, "rows.jsonl"), `${rows.join("\n")}\n`);
    const paths = [path.join("..", "..", "data", name, "rows.jsonl")];
    return {
      name,
      config: {
        data: { type: "jsonl", paths, columns: { subject: "Subject" } },
        model: { folder: modelFolder },
        backend: "cpu",
        keepEverySeconds: 0,
      },
    };
  });
  return setUpFederation({
    folder,
    sites,
    port: await freePort(),
    quickIdentities: true,
    coordinator: { startWaitMs: 120_000 },
    job: {
      job: "folders",
      purpose: "Folders",
      model: { folder: modelFolder, name: "tiny/llama", architecture: "llama" },
      task: LANGUAGE_TASK,
      training: { ...LANGUAGE_TRAINING, rounds: 1, localSteps: STEPS },
      update: { clipNorm: 4 },
      timing: { stageMs: 120_000, trainMs: 600_000, resumeMs: 120_000 },
    },
  });
};

const ended = async (programs: readonly Program[]) =>
  Promise.all(programs.map(async (program) => (await program.ended).code));

const stepIn = (line: string): number | undefined => {
  const { type, step }: { readonly type?: string; readonly step?: number } = JSON.parse(line);
  return type === "training" ? step : undefined;
};

const filesNamed = (folder: string, name: string): readonly string[] =>
  fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => path.basename(file) === name)
    .map((file) => path.join(folder, file));

const adapterOf = (federation: Federation): Buffer => {
  const [file] = filesNamed(coordinatorFolder(federation), "adapter_model.safetensors");
  return fs.readFileSync(file!);
};

test("a site killed in the middle of its round goes on, and the adapter is the same to the bit", async () => {
  const federation = await setUp();
  const copy = copyFederation(federation, path.join(freshFolder(), "copy"), await freePort());
  const undisturbed = [startCoordinator(copy), ...NAMES.map((name) => startSite(copy, name))];
  expect(await ended(undisturbed)).toEqual([0, 0, 0, 0]);

  const coordinator = startCoordinator(federation);
  const others = NAMES.slice(1).map((name) => startSite(federation, name));
  const killed = startSite(federation, NAMES[0]!);
  await killed.line((line) => ((stepIn(line) ?? 0) >= 15 ? true : undefined), { withinMs: 120_000 });
  killed.kill();
  await killed.ended;
  expect(filesNamed(siteFolder(federation, NAMES[0]!), "training.sealed")).toHaveLength(1);
  const again = startSite(federation, NAMES[0]!);
  const resumed = await again.line(stepIn, { withinMs: 120_000 });
  expect(resumed).toBeGreaterThan(5);
  expect(await ended([coordinator, ...others, again])).toEqual([0, 0, 0, 0]);
  expect(adapterOf(federation)).toEqual(adapterOf(copy));
});
