/** Stories by the seed: each with an end that the trivial model can tell beforehand. */
import type { MemberId } from "@bulkhead/secagg";
import { CELLS, harmOf } from "./cells.ts";
import { AFTER_SIGNING, leastOf, lossBy, membersOf, OVERSTAY_MS, SHORT_MS } from "./expectation.ts";
import type { Fault, FrameType, Harm, Hit } from "./fault.ts";
import type { FederationSize } from "./federation.ts";
import type { Story } from "./story.ts";
import { SeededRandom } from "./seeded-random.ts";

/** More attempts than finite faults can spoil. */
const ATTEMPTS = 40;

export const sizeOf = (members: number, more: Partial<FederationSize> = {}): FederationSize => ({
  members,
  attemptsPerRound: ATTEMPTS,
  ...more,
});

/** Few members have any faults, and those have many: the rest must publish without them. */
export const storyOfFew = (seed: string, size: FederationSize): Story => {
  const random = new SeededRandom(`${seed}/faults`);
  const touched = random.some(membersOf(size), size.members - leastOf(size));
  const faults = touched.flatMap((member) =>
    Array.from({ length: random.between(1, 5) }, () => faultOf(random, member, random.pick(CELLS))),
  );
  return { seed, size, faults };
};

/** Anybody may have faults, of kinds that take nothing away: all must publish. */
export const storyOfMany = (seed: string, size: FederationSize): Story => {
  const random = new SeededRandom(`${seed}/faults`);
  const faults: Fault[] = [];
  for (const member of membersOf(size))
    for (let left = random.below(4); left > 0; left--) {
      const fault = faultOf(random, member, random.pick(CELLS));
      if (lossBy(fault) === "nothing") faults.push(fault);
    }
  return { seed, size, faults };
};

const DEATHS: readonly (readonly ["up" | "down", FrameType])[] = [
  ["up", "advert"],
  ["up", "shares"],
  ["up", "masked"],
  ["up", "agree"],
  ["down", "roster"],
  ["down", "inbox"],
];

/** So many die at one place that the round cannot be published. */
export const storyOfDeaths = (seed: string, size: FederationSize): Story => {
  const random = new SeededRandom(`${seed}/faults`);
  const [direction, type] = random.pick(DEATHS);
  const nth = random.between(1, size.rounds ?? 1);
  const dead = random.some(membersOf(size), size.members - leastOf(size) + 1);
  const harm = { kind: "crash member", downMs: Number.POSITIVE_INFINITY, arrives: false } as const;
  return { seed, size, faults: dead.map((member) => ({ at: { member, direction, type, nth }, harm })) };
};

const faultOf = (random: SeededRandom, member: MemberId, { direction, type, kind }: Hit): Fault => ({
  at: { member, direction, type, nth: random.between(1, type === "chunk" ? 3 : 2) },
  harm: longer(type, harmOf(kind, random), random),
});

/** Half of the delays, and of the cuts of links whose member has signed, are longer than a stage waits. */
const longer = (type: FrameType, harm: Harm, random: SeededRandom): Harm => {
  const isLong = random.below(2) === 1;
  if (isLong && harm.kind === "delay") return { kind: "delay", ms: OVERSTAY_MS };
  if (isLong && harm.kind === "cut" && AFTER_SIGNING.has(type)) return { kind: "cut", downMs: OVERSTAY_MS };
  return harm;
};

/** A member may meet so many: one that has lost the round meets the first of them, and the others another time. */
const CELLS_PER_MEMBER = 6;

/** Meets the wanted cells, as many as one story can hold, on frames that are provoked where they are rare. */
export const storyOfCells = (seed: string, size: FederationSize, wanted: readonly Hit[]): Story => {
  const random = new SeededRandom(`${seed}/faults`);
  const many = size.members - leastOf(size) + 1;
  const left = [...wanted];
  const free = [...membersOf(size)];
  const faults: Fault[] = [];
  let spare = many - 1;
  let isPaused = false;
  while (free.length > 0) {
    const [member] = free.splice(random.below(free.length), 1);
    const canPause = !isPaused && free.length >= many;
    const own = faultsOfMember(random, left, { member: member!, maySuffer: spare > 0, canPause });
    if (own.some((fault) => lossBy(fault) !== "nothing")) spare--;
    faults.push(...own);
    const rare = own.find(({ at }) => isRare(at.type));
    if (rare === undefined) continue;
    isPaused = true;
    faults.push(...provokedForAll(rare.at.type, free.splice(0, many)));
  }
  return { seed, size, faults };
};

interface Chosen {
  readonly member: MemberId;
  /** Whether the round can do without this member. */
  readonly maySuffer: boolean;
  /** Whether others can be made to give the attempt up, or to keep all waiting. */
  readonly canPause: boolean;
}

/** Takes cells off `left`, no two of one type of frame. */
const faultsOfMember = (
  random: SeededRandom,
  left: Hit[],
  { member, maySuffer, canPause }: Chosen,
): readonly Fault[] => {
  const faults: Fault[] = [];
  const types = new Set<FrameType>();
  for (let at = 0; at < left.length && types.size < CELLS_PER_MEMBER; at++) {
    const cell = left[at]!;
    if (types.has(cell.type) || (isRare(cell.type) && (!canPause || [...types].some(isRare)))) continue;
    const { direction, type, kind } = cell;
    const own = [
      ...provoked(cell, member),
      { at: { member, direction, type, nth: 1 }, harm: harmOf(kind, random) },
    ];
    if (!maySuffer && own.some((fault) => lossBy(fault) !== "nothing")) continue;
    types.add(type);
    faults.push(...own);
    left.splice(at--, 1);
  }
  return faults;
};

const isRare = (type: FrameType): boolean => type === "void" || type === "waiting";

/** What makes the coordinator or the member say such a thing to or of this member. */
const provoked = ({ type }: Hit, member: MemberId): readonly Fault[] => {
  const at = { member, nth: 1 };
  // The end of a plan is its signature.
  if (type === "leave")
    return [{ at: { ...at, direction: "down", type: "plan" }, harm: { kind: "flip", at: 0.9 } }];
  if (type === "excluded")
    return [{ at: { ...at, direction: "up", type: "advert" }, harm: { kind: "drop" } }];
  if (type === "received")
    return [{ at: { ...at, direction: "up", type: "chunk", nth: 2 }, harm: { kind: "drop" } }];
  return [];
};

/** A void attempt, by members that start anew and may try again; a pause, by members whose links are long away. */
const provokedForAll = (type: FrameType, members: readonly MemberId[]): readonly Fault[] =>
  members.map((member) =>
    type === "void"
      ? {
          at: { member, direction: "up", type: "shares", nth: 1 },
          harm: { kind: "crash member", downMs: SHORT_MS, arrives: false },
        }
      : {
          at: { member, direction: "up", type: "agree", nth: 1 },
          harm: { kind: "cut", downMs: OVERSTAY_MS },
        },
  );
