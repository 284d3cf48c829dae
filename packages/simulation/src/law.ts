/** What must be true of every story that was played, whatever happened in it. */
import { equalBytes, invariant } from "@bulkhead/base";
import { decodeClientFrame } from "@bulkhead/protocol";
import { modelAfter, plainSum } from "./contribution.ts";
import { expectationOf, leastOf, lossesIn, membersOf } from "./expectation.ts";
import type { Played, RoundOutcome } from "./play-job.ts";
import type { Story } from "./story.ts";

type Published = Extract<RoundOutcome, { readonly type: "published" }>;

/** Each way in which the story broke the law, in words; none if it kept it. */
export const problemsOf = (story: Story, played: Played): readonly string[] => [
  ...outcomeProblems(story, played),
  ...sumProblems(story, played),
  ...memberProblems(story, played),
  ...signatureProblems(played),
];

const outcomeProblems = (story: Story, { rounds }: Played): readonly string[] => {
  const wanted = expectationOf(story).map((outcome) =>
    outcome.type === "published" ? "published" : `void (${outcome.code})`,
  );
  const got = rounds.map((outcome) =>
    outcome.type === "published" ? "published" : `void (${outcome.code})`,
  );
  return wanted.join() === got.join() ? [] : [`expected ${wanted.join(", ")}; got ${got.join(", ")}`];
};

/** The sum is that of the agreed survivors, added up here without a mask; they are enough, and all untouched are in it. */
const sumProblems = (story: Story, { job, rounds }: Played): readonly string[] => {
  const touched = lossesIn(story.faults ?? []);
  const untouched = membersOf(story.size).filter((id) => !touched.has(id));
  return publishedIn(rounds).flatMap(({ round, survivors, sum }) => [
    ...(equalBytes(sum, plainSum(job, story.seed, { round, survivors }))
      ? []
      : [`round ${round}: not the plain sum of ${survivors.join()}`]),
    ...(survivors.length >= leastOf(story.size)
      ? []
      : [`round ${round}: only ${survivors.length} in the sum`]),
    ...untouched
      .filter((id) => !survivors.includes(id))
      .map((id) => `round ${round}: member ${id} was untouched and is not in the sum`),
  ]);
};

/** Members that nothing happened to are done with the model that the plain sums give, and so is whoever else is done. */
const memberProblems = (story: Story, { job, rounds, members, initialModel }: Played): readonly string[] => {
  const published = publishedIn(rounds);
  const models: Float32Array[] = [initialModel];
  for (const { round, survivors } of published) {
    const sum = plainSum(job, story.seed, { round, survivors });
    const model = modelAfter(job, models.at(-1)!, { sum, survivors: survivors.length });
    invariant(model !== undefined, "a plain sum can be applied");
    models.push(model);
  }
  const touched = lossesIn(story.faults ?? []);
  const isWhole = published.length === (story.size.rounds ?? 1);
  return [...members].flatMap(([id, { end, disk }]) => {
    const wanted = models[disk.applied];
    const isRight = wanted?.every((value, i) => value === disk.model[i]) === true;
    const isDone = end.type === "done" && disk.applied === published.length;
    return [
      ...(isRight ? [] : [`member ${id} has another model after round ${disk.applied}`]),
      ...(isWhole && !touched.has(id) && !isDone ? [`member ${id} was untouched and is not done`] : []),
    ];
  });
};

/** One set of survivors signed a round, and one list of shares released: whatever is said twice is the same. */
const signatureProblems = ({ frames }: Played): readonly string[] => {
  const said = new Map<string, Uint8Array>();
  const problems: string[] = [];
  for (const { member, direction, type, bytes } of frames) {
    if (direction !== "up" || (type !== "agree" && type !== "unmask")) continue;
    const frame = decodeClientFrame(bytes);
    const key = `member ${member}, round ${"round" in frame ? frame.round : 0}: ${type}`;
    const before = said.get(key);
    if (before !== undefined && !equalBytes(before, bytes)) problems.push(`${key} said twice, differently`);
    said.set(key, bytes);
  }
  return problems;
};

const publishedIn = (rounds: readonly RoundOutcome[]): readonly Published[] =>
  rounds.filter((outcome) => outcome.type === "published");
