/**
 * Three enterprises fine-tune the provider's encoder on their mail, as real processes; then everything is judged against
 * the encoder as it was, each enterprise alone, and all mail in one place.
 */
import path from "node:path";
import type { Json } from "@bulkhead/base";
import { humanSeconds, renderTable } from "@bulkhead/console";
import { artefact } from "./mail/artefact.ts";
import { type Probe, probeBackend } from "./mail/baselines.ts";
import { FULL, type MailRecipe, QUICK, SMALL } from "./mail/job.ts";
import { loadMailSites, MAIL_SITES, writeMailSites } from "./mail/mail-sites.ts";
import { playMailSeed, type SeedOutcome } from "./mail/play-seed.ts";
import { meanQuality, RECIPE_MARGINS, SINGLE_RUN_MARGINS, slackOf } from "./mail/quality.ts";
import { closingWords, qualityTable } from "./mail/words.ts";
import type { Scenario, Stage } from "./scenario.ts";

const SEEDS_FOR_MARGINS = 3;

export const quickstart: Scenario = {
  name: "quickstart",
  summary: "three enterprises, one mail filter",
  run: async (stage) => {
    const modelFolder = await artefact("minilm");
    const mail = path.join(stage.folder, "mail");
    const sites = await loadMailSites();
    stage.say(mailTable(await writeMailSites(mail, sites)));
    const probe = await probeBackend(modelFolder, stage.folder);
    const size = stage.options.isFull ? FULL : QUICK;
    const recipe = probe.notice === undefined ? size : SMALL;
    tellBackend(stage, probe, recipe);
    const texts = [...sites.values()]
      .flatMap(({ train, test }) => [...train, ...test])
      .map(({ text }) => text);
    const outcomes: SeedOutcome[] = [];
    for (let seed = 1; seed <= stage.options.seeds; seed++)
      outcomes.push(await playMailSeed(stage, { seed, recipe, modelFolder, mail, texts }));
    const quality = meanQuality(outcomes.map((outcome) => outcome.quality));
    stage.say(qualityTable(quality, outcomes.length));
    checkMargins(stage, outcomes, recipe);
    const { checkpoint } = outcomes.at(-1)!;
    stage.say(closingWords({ checkpoint, modelFolder, quality }));
    return {
      backend: probe.backend,
      recipe: { ...recipe },
      sites: [...MAIL_SITES],
      threshold: 3,
      quality,
      checkpoint,
      seeds: outcomes.map(({ figures }) => figures),
    };
  },
};

const mailTable = (counts: Awaited<ReturnType<typeof writeMailSites>>): string =>
  renderTable({
    head: ["site", "mails to train on", "of them spam", "mails to test on", "of them spam"],
    rows: counts.map(({ site, train, test }) => [
      site,
      train.ham + train.spam,
      train.spam,
      test.ham + test.spam,
      test.spam,
    ]),
  });

/** Rows judged, in steps of training: a step costs about two and a half times as much as judging. */
const JUDGED = 3000;

const tellBackend = (
  { say, options }: Stage,
  { backend, notice, secondsPerExample }: Probe,
  recipe: MailRecipe,
) => {
  if (notice === undefined || secondsPerExample === undefined) {
    say(`Training runs on the native backend (${backend}).`);
    return;
  }
  const trained = recipe.rounds * recipe.localSteps * recipe.batchSize * MAIL_SITES.length;
  // The federation, each site alone, and all mail in one place; two processes at a time.
  const seconds = (options.seeds * secondsPerExample * (3 * trained + JUDGED)) / 2;
  say(`Note: ${notice}.`);
  say(
    `So a smaller recipe is played, of ${recipe.rounds} rounds with batches of ${recipe.batchSize}: about ${humanSeconds(seconds)}.`,
  );
};

/** The recipe's margins are of the mean of three seeds; with fewer, or the smaller recipe, they are only told. */
const checkMargins = ({ check }: Stage, outcomes: readonly SeedOutcome[], recipe: MailRecipe): void => {
  const isRecipe = outcomes.length >= SEEDS_FOR_MARGINS && recipe !== SMALL;
  const margins = isRecipe ? RECIPE_MARGINS : SINGLE_RUN_MARGINS;
  const quality = meanQuality(outcomes.map((outcome) => outcome.quality));
  const slack: { readonly [name: string]: Json } = { ...slackOf(quality, margins) };
  const of = isRecipe
    ? `mean of ${outcomes.length} seeds`
    : "a sanity margin; the recipe's needs three seeds";
  const held = (name: string) => Number(slack[name]) >= 0;
  const promise = (name: string, words: string) => check(`${words} (${of})`, held(name), { slack });
  promise("federated", `the federation's accuracy is at least ${margins.federated}`);
  promise("overBestSite", `it is at least ${margins.overBestSite} above the best site alone`);
  promise("belowCentralised", `it is at most ${margins.belowCentralised} below all mail in one place`);
};
