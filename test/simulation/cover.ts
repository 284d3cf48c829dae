/** Plays stories until every kind of harm has met every type of frame so often, and holds each to the law. */
import {
  CELLS,
  type FederationSize,
  type Hit,
  HitCount,
  playJob,
  problemsOf,
  SeededRandom,
  sizeOf,
  type Story,
  storyOfCells,
} from "@bulkhead/simulation";

interface Cover {
  readonly count: HitCount;
  /** The stories that broke the law, with how. */
  readonly failures: readonly string[];
  readonly stories: number;
}

interface Wanted {
  readonly seed: string;
  readonly hits: number;
  readonly members: readonly number[];
  readonly cells?: readonly Hit[];
  /** Gives up after so many. */
  readonly mostStories: number;
}

export const coverCells = ({ seed, hits, members, cells = CELLS, mostStories }: Wanted): Cover => {
  const count = new HitCount();
  const failures: string[] = [];
  const random = new SeededRandom(seed);
  let stories = 0;
  for (; stories < mostStories; stories++) {
    const missing = count.below(hits).filter((cell) => cells.includes(cell));
    if (missing.length === 0) break;
    const size = sizeOf(members[stories % members.length]!, { laneBits: stories % 4 === 3 ? 32 : 16 });
    const story = storyOfCells(`${seed}/${stories}`, size, shuffled(random, missing));
    const { problems, played } = judge(story);
    failures.push(...problems);
    count.add(played?.hits ?? []);
  }
  return { count, failures, stories };
};

/** Plays a story; what is wrong with it is said so that it can be played again. */
export const judge = (story: Story) => {
  const told = (problem: string) => `${named(story.seed, story.size)}: ${problem}`;
  try {
    const played = playJob(story);
    return { played, problems: problemsOf(story, played).map(told) };
  } catch (error) {
    return { played: undefined, problems: [told(error instanceof Error ? error.message : String(error))] };
  }
};

const named = (seed: string, { members }: FederationSize) => `story ${seed} of ${members} members`;

const shuffled = <T>(random: SeededRandom, items: readonly T[]): readonly T[] => {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(random.below(left.length), 1));
  return order;
};
