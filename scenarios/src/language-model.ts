/**
 * Three companies fine-tune a small language model that files their mail, as real processes; then it is judged against the
 * model as it was, each company alone, and all mail in one place.
 */
import fs from "node:fs";
import path from "node:path";
import { InputError, type Json } from "@bulkhead/base";
import { FULL_FOLDERS, QUICK_FOLDERS } from "./folders/folder-job.ts";
import { FOLDER_MARGINS, folderSlack, SINGLE_SEED_MARGINS } from "./folders/folder-quality.ts";
import { FOLDER_SITES } from "./folders/folder-sites.ts";
import { folderClosingWords, folderTable } from "./folders/folder-words.ts";
import { type FolderSeedOutcome, playFolderSeed } from "./folders/play-folder-seed.ts";
import { loadFolderMails } from "./folders/write-folder-rows.ts";
import { artefact } from "./mail/artefact.ts";
import { meanQuality } from "./mail/quality.ts";
import type { Scenario, Stage } from "./scenario.ts";

const SEEDS_FOR_MARGINS = 3;

export const languageModel: Scenario = {
  name: "language-model",
  summary: "three companies, one language model that files mail",
  run: async (stage) => {
    const { isFull, seeds } = stage.options;
    const recipe = isFull ? FULL_FOLDERS : QUICK_FOLDERS;
    const modelFile = await fetchModel();
    const mails = await loadFolderMails();
    const steps = FOLDER_SITES.length * recipe.rounds * recipe.localSteps;
    stage.say(`${recipe.rounds} rounds of ${recipe.localSteps} steps: ${steps} steps over all sites.`);
    const outcomes: FolderSeedOutcome[] = [];
    for (let seed = 0; seed < seeds; seed++)
      outcomes.push(await playFolderSeed(stage, { seed, recipe, model: { file: modelFile }, mails }));
    const quality = meanQuality(outcomes.map((outcome) => outcome.quality));
    stage.say(folderTable(quality, outcomes.length));
    checkMargins(stage, outcomes);
    const { checkpoint } = outcomes.at(-1)!;
    stage.say(folderClosingWords({ checkpoint, modelFile, quality }));
    return {
      recipe: { ...recipe },
      sites: [...FOLDER_SITES],
      threshold: 3,
      quality,
      checkpoint,
      seeds: outcomes.map(({ figures }) => figures),
    };
  },
};

/** The model's one file, fetched first if need be. */
const fetchModel = async (): Promise<string> => {
  const folder = await artefact("smollm2");
  const name = fs.readdirSync(folder).find((file) => file.endsWith(".gguf"));
  if (name !== undefined) return path.join(folder, name);
  throw new InputError({
    code: "artefact-missing",
    place: folder,
    problem: "it holds no GGUF file",
    cure: "delete the folder, and the scenario fetches it again",
  });
};

/** The recipe's margins are of the mean of three seeds; those of fewer only show that training worked. */
const checkMargins = ({ check }: Stage, outcomes: readonly FolderSeedOutcome[]): void => {
  const isRecipe = outcomes.length >= SEEDS_FOR_MARGINS;
  const margins = isRecipe ? FOLDER_MARGINS : SINGLE_SEED_MARGINS;
  const slack: { readonly [name: string]: Json } = {
    ...folderSlack(meanQuality(outcomes.map(({ quality }) => quality)), margins),
  };
  const of = isRecipe
    ? `mean of ${outcomes.length} seeds`
    : "a sanity margin; the recipe's needs three seeds";
  const promise = (name: string, words: string) =>
    check(`${words} (${of})`, Number(slack[name]) >= 0, { slack });
  const points = (share: number) => Math.round(100 * share);
  promise("federated", `the federation's balanced accuracy is at least ${points(margins.federated)} %`);
  promise(
    "overAlone",
    `it is at least ${points(margins.overAlone)} points above the mean of the sites alone`,
  );
  promise("overBase", `it is at least ${points(margins.overBase)} points above the model as it was`);
};
