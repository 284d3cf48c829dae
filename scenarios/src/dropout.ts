/**
 * Of seven sites (t = 5) one is killed after it has shared its keys, another after its masked input: the round ends with
 * the exact sum of the six that delivered. A third is killed, and the round after ends void with nothing revealed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  expectedSum,
  filesOfProviderWith,
  filesOfProviderWithUpdates,
  publishedSum,
  release,
  setUpFixture,
} from "./fixture.ts";
import { type Federation, startCoordinator, startSite } from "./harness/federation.ts";
import { fieldsOf, lineWith } from "./harness/lines.ts";
import type { Program } from "./harness/program.ts";
import type { Scenario, Stage } from "./scenario.ts";

const NAMES = ["amber", "birch", "cedar", "dune", "ember", "fjord", "grove"];
const LENGTH = 10_000;
/** Killed after sharing keys, after the masked input, and before round 2, by their places in the roster from 0. */
const AFTER_SHARES = 2;
const AFTER_INPUT = 4;
const BEFORE_ROUND_2 = 6;

export const dropout: Scenario = {
  name: "dropout",
  summary: "seven sites, two killed inside a round, a third before the next",
  run: async (stage) => {
    stage.say(`setting up a provider and ${NAMES.length} sites`);
    const federation = await setUpFixture({
      folder: stage.folder,
      names: NAMES,
      length: LENGTH,
      rounds: 2,
      attempts: 2,
      timing: { stageMs: 4000 },
    });
    const coordinator = startCoordinator(federation);
    await coordinator.line(lineWith({ event: "listening" }));
    const sites = NAMES.map((name) => startSite(federation, name));
    const survivors = await firstRound(stage, federation, { coordinator, sites });
    await secondRound(stage, federation, { coordinator, sites });
    return { members: NAMES.length, threshold: 5, survivors };
  },
};

interface Cast {
  readonly coordinator: Program;
  readonly sites: readonly Program[];
}

const firstRound = async ({ say, check }: Stage, federation: Federation, { coordinator, sites }: Cast) => {
  await coordinator.line(lineWith({ round: 1, after: "collecting-inputs" }));
  say(`all seven have shared keys; killing ${NAMES[AFTER_SHARES]}`);
  sites[AFTER_SHARES]!.kill();
  release(federation, AFTER_INPUT, 1);
  await coordinator.line(lineWith({ round: 1, event: "folded", from: AFTER_INPUT + 1 }));
  const found = filesOfProviderWithUpdates(federation, [AFTER_INPUT], 1);
  check("the provider has its masked input, and its update in no file", found.length === 0, { found });
  say(`${NAMES[AFTER_INPUT]} has delivered its masked input; killing it`);
  sites[AFTER_INPUT]!.kill();
  const survivors = NAMES.map((_, site) => site).filter((site) => site !== AFTER_SHARES);
  for (const site of survivors) release(federation, site, 1);
  await coordinator.line(lineWith({ round: 1, after: "published" }));
  await waitForSum(federation);
  const published = publishedSum(federation, 1, LENGTH);
  const expected = expectedSum(survivors, 1, LENGTH);
  const wrong = expected.filter((value, i) => value !== published?.[i]).length;
  check(
    "round 1 publishes the exact sum of the six that delivered",
    published?.length === LENGTH && wrong === 0,
    {
      wrong,
      lanes: published?.length ?? 0,
    },
  );
  const sum = (i: number) => expected[i]!;
  check(
    "the provider has that sum in its files, and no update of any site",
    filesOfProviderWith(federation, sum).length > 0 &&
      filesOfProviderWithUpdates(federation, [...NAMES.keys()], 1).length === 0,
  );
  return survivors.map((site) => NAMES[site]!);
};

const waitForSum = async (federation: Federation): Promise<void> => {
  for (let tries = 0; tries < 100 && publishedSum(federation, 1, LENGTH) === undefined; tries++)
    await sleep(50);
};

const secondRound = async ({ say, check }: Stage, federation: Federation, { coordinator, sites }: Cast) => {
  say(`killing ${NAMES[BEFORE_ROUND_2]}: four of seven are left, and five are needed`);
  sites[BEFORE_ROUND_2]!.kill();
  for (const site of NAMES.keys()) release(federation, site, 2);
  const { code } = await coordinator.ended;
  const inRound2 = coordinator.lines.map(fieldsOf).filter((line) => line?.["round"] === 2);
  check(
    "round 2 ends void",
    inRound2.some((line) => line?.["after"] === "void"),
  );
  check(
    "the reason is said: too few members",
    inRound2.some((line) => JSON.stringify(line).includes("too-few-members")),
  );
  check("nothing of round 2 was revealed", !inRound2.some((line) => line?.["message"] === "unmask"));
  check("no sum of round 2 exists", publishedSum(federation, 2, LENGTH) === undefined);
  check("the coordinator ends with code 1", code === 1, { code });
  const left = sites.filter((_, site) => ![AFTER_SHARES, AFTER_INPUT, BEFORE_ROUND_2].includes(site));
  const ends = await Promise.all(left.map((site) => site.ended));
  check(
    "the four that are left are told and end with code 1",
    ends.every((end) => end.code === 1),
    {
      codes: ends.map((end) => end.code),
    },
  );
};
