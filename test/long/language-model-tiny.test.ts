/** The scenario `language-model` from contract to answers, with a tiny model and hand-made mail in place of the real ones. */
import fs from "node:fs";
import path from "node:path";
import {
  type FolderMail,
  FOLDERS,
  playFolderSeed,
  playScenario,
  type Scenario,
  type StageEvent,
} from "@bulkhead/scenarios";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";
import { tinyGgufModel } from "../scenarios/tiny-gguf-model.ts";
import { PATIENCE_MS } from "../e2e/scenario.ts";

const WORDS = ["offer", "kernel", "opinion", "headline", "ruleset"];

const mails: readonly FolderMail[] = FOLDERS.flatMap((folder, f) =>
  Array.from({ length: 400 }, (_, i) => ({
    file: `${folder}/${i}`,
    folder,
    subject: `${WORDS[f]} ${i}`,
    body: `${`The ${WORDS[f]} number ${i} `.repeat(4)} for everybody to read.`,
    key: `${folder} ${i}`,
    thread: `${folder} ${i}`,
  })),
);

test(
  "three companies train a language model on their mail, and it is compared with the others",
  { timeout: PATIENCE_MS },
  async () => {
    const folder = freshFolder();
    const file = path.join(folder, "tiny.gguf");
    fs.writeFileSync(file, tinyGgufModel());
    const model = { file, layers: [1, 2], maxTokens: 100 };
    const scenario: Scenario = {
      name: "tiny-language-model",
      summary: "the same, small",
      run: async (stage) => {
        const recipe = { rounds: 2, localSteps: 3 };
        const { quality, figures } = await playFolderSeed(stage, { seed: 0, recipe, model, mails });
        return { quality, figures };
      },
    };
    const events: StageEvent[] = [];
    const out = path.join(folder, "run");
    const code = await playScenario(scenario, {
      folder: out,
      options: { seeds: 1, rounds: 1, isFull: false },
      tell: (event) => events.push(event),
    });
    expect(code, JSON.stringify(events)).toBe(0);
    expect(events.filter(({ type }) => type === "promise")).toHaveLength(5);
    const report: unknown = JSON.parse(fs.readFileSync(path.join(out, "report.json"), "utf8"));
    const figure = { balanced: expect.any(Number), home: expect.any(Number), others: expect.any(Number) };
    expect(report).toMatchObject({
      quality: { base: figure, federated: figure, centralised: figure, alone: { systems: figure } },
      figures: { rounds: [{ round: 1 }, { round: 2 }], answers: { after: { length: 5 } } },
    });
  },
);
