#!/usr/bin/env node
// Plays so many stories of faults in memory and holds each to the law. A failure names its seed: with it, the same
// story is played again. `npm run fuzz -- --rounds N [--seed S]`
import { parseArgs } from "node:util";
import { playJob, problemsOf, sizeOf, storyOfDeaths, storyOfFew, storyOfMany } from "@bulkhead/simulation";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "1000" }, seed: { type: "string" } },
});
const wanted = Number(values.rounds);
if (!Number.isSafeInteger(wanted) || wanted < 1) {
  console.error("fuzz: --rounds takes a whole number above 0");
  process.exit(2);
}

const KINDS = { few: storyOfFew, many: storyOfMany, deaths: storyOfDeaths };

/** Everything about a story is in its seed: `kind/members/rounds/number`. */
const storyOf = (seed) => {
  const [kind, members, rounds] = seed.split("/");
  const make = KINDS[kind];
  if (make === undefined || !(Number(members) >= 3) || !(Number(rounds) >= 1)) {
    console.error("fuzz: a seed looks like few/7/2/123456; take one that a failure has printed");
    process.exit(2);
  }
  return make(seed, sizeOf(Number(members), { rounds: Number(rounds) }));
};

const problemsWith = (seed) => {
  const story = storyOf(seed);
  try {
    const played = playJob(story);
    return { rounds: played.rounds.length, hits: played.hits.length, problems: problemsOf(story, played) };
  } catch (error) {
    return { rounds: 1, hits: 0, problems: [error instanceof Error ? error.message : String(error)] };
  }
};

const start = Date.now() % 1_000_000;
const total = { stories: 0, rounds: 0, hits: 0, failures: 0 };
const play = (seed) => {
  const { rounds, hits, problems } = problemsWith(seed);
  total.stories += 1;
  total.rounds += rounds;
  total.hits += hits;
  total.failures += problems.length > 0 ? 1 : 0;
  for (const problem of problems) console.log(`${seed}: ${problem}`);
};

if (values.seed !== undefined) play(values.seed);
else
  while (total.rounds < wanted) {
    const number = start + total.stories;
    const kind = Object.keys(KINDS)[number % 3];
    play(`${kind}/${3 + (number % 8)}/${1 + (number % 2)}/${number}`);
  }
console.log(
  `${total.rounds} rounds in ${total.stories} stories, ${total.hits} faults, ${total.failures} failures`,
);
if (total.failures > 0) {
  console.log("play one again with: npm run fuzz -- --seed SEED");
  process.exitCode = 1;
}
