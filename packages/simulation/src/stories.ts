/** Stories by the seed: each with an end that the trivial model can tell beforehand. */
import { invariant } from "@bulkhead/base";
import type { MemberId } from "@bulkhead/secagg";
import { CELLS, FRAMES, harmOf } from "./cells.ts";
import { leastOf, lossBy, membersOf, OVERSTAY_MS, SHORT_MS } from "./expectation.ts";
import type { Fault, FrameType, Hit } from "./fault.ts";
import type { FederationSize } from "./federation.ts";
import type { Story } from "./play-job.ts";
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
  harm: harmOf(kind, random),
});

/** Meets the wanted cells, as many as one story can hold, on frames that are provoked where they are rare. */
export const storyOfCells = (seed: string, size: FederationSize, wanted: readonly Hit[]): Story => {
  const random = new SeededRandom(`${seed}/faults`);
  const free = new Set(membersOf(size));
  const faults: Fault[] = [];
  let spare = size.members - leastOf(size);
  let isPaused = false;
  for (const cell of wanted) {
    const isRare = cell.type === "void" || cell.type === "waiting";
    if (isRare ? isPaused || free.size <= size.members - leastOf(size) + 1 : free.size === 0) continue;
    const member = random.pick([...free]);
    const fault: Fault = {
      at: { direction: cell.direction, type: cell.type, member, nth: 1 },
      harm: harmOf(cell.kind, random),
    };
    const alone = [...provoked(cell, member), fault];
    const isCostly = alone.some((one) => lossBy(one) !== "nothing");
    if (isCostly && spare === 0) continue;
    if (isCostly) spare--;
    free.delete(member);
    const all = isRare
      ? provokedForAll(cell.type, random.some([...free], size.members - leastOf(size) + 1))
      : [];
    for (const { at } of all) free.delete(at.member);
    isPaused ||= isRare;
    faults.push(...all, ...alone);
  }
  return { seed, size, faults };
};

/** What makes the coordinator or the member say such a thing to or of this member. */
const provoked = ({ type, direction }: Hit, member: MemberId): readonly Fault[] => {
  const at = { member, nth: 1 };
  switch (type) {
    case "leave":
      // Its end is the signature.
      return [{ at: { ...at, direction: "down", type: "plan" }, harm: { kind: "flip", at: 0.9 } }];
    case "excluded":
      return [{ at: { ...at, direction: "up", type: "advert" }, harm: { kind: "drop" } }];
    case "received":
      return [{ at: { ...at, direction: "up", type: "chunk", nth: 2 }, harm: { kind: "drop" } }];
    default:
      invariant(FRAMES[direction].includes(type), "a frame has its direction");
      return [];
  }
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
