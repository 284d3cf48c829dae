/** What is made of the share of each folder's mails that a model has found. */
import {
  FOLDER_MARGINS,
  folderJob,
  folderQualityOf,
  folderSlack,
  FULL_FOLDERS,
  meanAlone,
  meanQuality,
  QUICK_FOLDERS,
} from "@bulkhead/scenarios";
import { expect, test } from "vitest";

const found = (...[spam, linux, talk, news, filter]: readonly [number, number, number, number, number]) => ({
  found: { spam, linux, talk, news, filter },
  samples: [],
  digest: "",
  trainingSeconds: 0,
});

const JUDGED = {
  base: found(0.2, 0.2, 0.2, 0.2, 0.2),
  systems: found(1, 1, 0, 0, 0),
  press: found(1, 0, 1, 1, 0),
  filters: found(1, 0, 0, 0, 1),
  federated: found(0.9, 0.8, 0.7, 0.6, 0.5),
  centralised: found(1, 1, 1, 1, 1),
};

test("accuracy is told over folders alike, on mail mixed as at home, and as at the others", () => {
  const { base, alone, federated } = folderQualityOf(JUDGED);
  expect(base.balanced).toBeCloseTo(0.2, 6);
  expect(base.home).toBeCloseTo(0.2, 6);
  expect(alone.systems.balanced).toBeCloseTo(0.4, 6);
  expect(alone.systems.home).toBeCloseTo(0.85, 6);
  expect(alone.systems.others).toBeCloseTo((0.25 + 0.25) / 2, 6);
  expect(alone.press.home).toBeCloseTo(0.9, 6);
  // 0.2 spam everywhere; 0.75 of a site's others in the mean over the sites.
  expect(federated.home).toBeCloseTo(0.18 + (0.75 / 3) * 0.8 + 0.15 * 0.7 + 0.15 * 0.6 + 0.25 * 0.5, 6);
  expect(federated.others).toBe(federated.home);
});

test("the margins are those of the recipe, and bite on both sides", () => {
  const quality = folderQualityOf(JUDGED);
  expect(FOLDER_MARGINS).toEqual({ federated: 0.58, overAlone: 0.06, overBase: 0.2 });
  const slack = folderSlack(quality, FOLDER_MARGINS);
  expect(slack.federated).toBeCloseTo(0.7 - 0.58, 6);
  expect(slack.overAlone).toBeCloseTo(0.7 - (0.4 + 0.6 + 0.4) / 3 - 0.06, 6);
  expect(slack.overBase).toBeCloseTo(0.7 - 0.2 - 0.2, 6);
  const worse = folderQualityOf({ ...JUDGED, federated: JUDGED.press });
  expect(folderSlack(worse, { federated: 0.7, overAlone: 0.2, overBase: 0.5 })).toEqual({
    federated: expect.closeTo(-0.1, 6),
    overAlone: expect.closeTo(0.6 - 1.4 / 3 - 0.2, 6),
    overBase: expect.closeTo(-0.1, 6),
  });
});

test("means of seeds are taken figure by figure", () => {
  const one = folderQualityOf(JUDGED);
  const other = folderQualityOf({ ...JUDGED, systems: JUDGED.centralised });
  const mean = meanQuality([one, other]);
  expect(mean.alone.systems.balanced).toBeCloseTo(0.7, 6);
  expect(meanAlone(mean).balanced).toBeCloseTo((0.7 + 0.6 + 0.4) / 3, 6);
});

test("the job is the file's, in the size and with the model that are asked for", async () => {
  expect([QUICK_FOLDERS, FULL_FOLDERS].map(({ rounds, localSteps }) => 3 * rounds * localSteps)).toEqual([
    180, 600,
  ]);
  const seed = "07".repeat(32);
  const quick = await folderJob({ recipe: QUICK_FOLDERS, seed, model: { file: "/m.gguf" } });
  expect(quick).toMatchObject({
    model: { file: "/m.gguf", architecture: "llama" },
    task: {
      kind: "language-model",
      seed,
      maxTokens: 32,
      deviation: 0.02,
      lora: {
        rank: 8,
        alpha: 16,
        targets: "all-linear",
        layers: Array.from({ length: 10 }, (_, i) => 20 + i),
      },
    },
    training: {
      rounds: 6,
      localSteps: 10,
      batchSize: 8,
      learningRate: 2e-3,
      schedule: { type: "linear", floor: 0.1 },
      clipNorm: 1,
    },
  });
  expect(Object.keys(quick)).not.toContain("members");
  const model = { file: "/m.gguf", layers: [1], maxTokens: 50 };
  const small = await folderJob({ recipe: FULL_FOLDERS, seed, model });
  expect(small).toMatchObject({ task: { maxTokens: 50, lora: { layers: [1] } }, training: { rounds: 10 } });
});
