/**
 * Plays so many rounds of faults in memory and holds each story to the law. A failure names its seed: with it, the same
 * story is played again. `npm run fuzz -- --rounds N [--seed S]`
 */
import { parseArgs } from "node:util";
import { sizeOf, type Story, storyOfDeaths, storyOfFew, storyOfMany } from "@bulkhead/simulation";
import { judge } from "./cover.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "1000" }, seed: { type: "string" } },
});
const wanted = Number(values.rounds);
if (!Number.isSafeInteger(wanted) || wanted < 1) {
  console.error("fuzz: --rounds takes a whole number above 0");
  process.exit(2);
}

const KINDS = new Map([
  ["few", storyOfFew],
  ["many", storyOfMany],
  ["deaths", storyOfDeaths],
]);

/** Everything about a story is in its seed: `kind/members/rounds/number`. */
const storyOf = (seed: string): Story => {
  const [kind = "", members, rounds] = seed.split("/");
  const make = KINDS.get(kind);
  if (make === undefined || !(Number(members) >= 3) || !(Number(rounds) >= 1)) {
    console.error("fuzz: a seed looks like few/7/2/123456; take one that a failure has printed");
    process.exit(2);
  }
  return make(seed, sizeOf(Number(members), { rounds: Number(rounds) }));
};

const total = { stories: 0, rounds: 0, hits: 0, failures: 0 };
const play = (seed: string): void => {
  const { played, problems } = judge(storyOf(seed));
  total.stories += 1;
  total.rounds += played?.rounds.length ?? 1;
  total.hits += played?.hits.length ?? 0;
  total.failures += problems.length > 0 ? 1 : 0;
  for (const problem of problems) console.log(problem);
};

const first = Date.now() % 1_000_000;
if (values.seed !== undefined) play(values.seed);
else
  while (total.rounds < wanted) {
    const number = first + total.stories;
    const kind = [...KINDS.keys()][number % KINDS.size]!;
    play(`${kind}/${3 + (number % 8)}/${1 + (number % 2)}/${number}`);
  }
console.log(
  `${total.rounds} rounds in ${total.stories} stories, ${total.hits} faults, ${total.failures} failures`,
);
if (total.failures > 0) {
  console.log("play one again with: npm run fuzz -- --seed SEED");
  process.exitCode = 1;
}
