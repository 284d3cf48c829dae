/** A coordinator that dies at any write of its journal, and starts again: the job ends as if nothing had happened. */
import { bytesToHex } from "@bulkhead/base";
import { memberId } from "@bulkhead/secagg";
import {
  type JournalCrash,
  type Played,
  playJob,
  problemsOf,
  sizeOf,
  type Story,
} from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";

const SIZE = sizeOf(3, { rounds: 2 });
const DOWN_MS = 60;

const storyOf = (journalCrashes: readonly JournalCrash[]): Story => ({
  seed: "journal",
  size: SIZE,
  journalCrashes,
});

const sumsOf = ({ rounds }: Played): readonly string[] =>
  rounds.map((round) => (round.type === "published" ? bytesToHex(round.sum) : round.code));
const modelsOf = ({ members }: Played): readonly string[] =>
  [...members.values()].map(({ disk }) => disk.model.join());

const undisturbed = playJob(storyOf([]));
describe.each(["before", "after"] as const)("a coordinator that dies %s a write of its journal", (when) => {
  test("publishes the same sums, and all members get the same model, whichever write it is", () => {
    expect(undisturbed.writes).toBeGreaterThan(2 * 6 * SIZE.members);
    for (let nth = 1; nth <= undisturbed.writes; nth++) {
      const story = storyOf([{ nth, when, downMs: DOWN_MS }]);
      const played = playJob(story);
      expect(problemsOf(story, played), `write ${nth}`).toEqual([]);
      expect(sumsOf(played), `write ${nth}`).toEqual(sumsOf(undisturbed));
      expect(modelsOf(played), `write ${nth}`).toEqual(modelsOf(undisturbed));
      expect(played.starts, `write ${nth}`).toBe(2);
    }
  });
});

test("a coordinator that dies again and again goes on each time", () => {
  const story = storyOf(
    Array.from({ length: 12 }, (_, i) => ({ nth: 5 * i + 3, when: "after", downMs: DOWN_MS })),
  );
  const played = playJob(story);
  expect(problemsOf(story, played)).toEqual([]);
  expect(sumsOf(played)).toEqual(sumsOf(undisturbed));
  expect(played.starts).toBeGreaterThan(8);
});

describe("a coordinator that is away for longer than members keep an attempt's secrets", () => {
  const awayAt = (type: "advert" | "shares" | "masked" | "agree" | "unmask", downMs: number): Played =>
    playJob({
      seed: "away",
      size: sizeOf(4),
      faults: [
        {
          at: { member: memberId(2), direction: "up", type, nth: 1 },
          harm: { kind: "crash coordinator", downMs, arrives: false },
        },
      ],
    });

  test.each(["advert", "shares", "masked"] as const)(
    "has lost the attempt at %s, and publishes in the next",
    (type) => {
      expect(awayAt(type, 3000).rounds).toMatchObject([
        { type: "published", attempt: 2, survivors: [1, 2, 3, 4] },
      ]);
    },
  );

  test("has lost the round where its members have signed: none of them takes part in another attempt of it", () => {
    const { rounds, frames } = awayAt("unmask", 3000);
    expect(rounds).toMatchObject([{ type: "void", code: "waiting-for-member" }]);
    const later = frames.filter(({ type }) => type === "advert");
    expect(later).toHaveLength(4);
  });

  test.each(["advert", "shares", "masked", "agree", "unmask"] as const)(
    "has lost nothing at %s where it is away for a shorter time",
    (type) => {
      expect(awayAt(type, 1900).rounds).toMatchObject([
        { type: "published", attempt: 1, survivors: [1, 2, 3, 4] },
      ]);
    },
  );
});
