import { bytesToHex } from "@bulkhead/base";
import {
  plainSum,
  type Played,
  playJob,
  problemsOf,
  sizeOf,
  type Story,
  storyOfDeaths,
  storyOfFew,
  storyOfMany,
} from "@bulkhead/simulation";
import { memberId } from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";

const playLawfully = (story: Story): Played => {
  const played = playJob(story);
  expect(problemsOf(story, played)).toEqual([]);
  return played;
};

describe("a job in which nothing goes wrong", () => {
  test.each([3, 5])("publishes the plain sum of all of %i members in every round", (members) => {
    const story = { seed: "honest", size: sizeOf(members, { rounds: 2 }) };
    const { job, rounds } = playLawfully(story);
    expect(rounds).toHaveLength(2);
    for (const outcome of rounds) {
      if (outcome.type !== "published") throw new Error("a round was not published");
      expect(outcome.survivors).toHaveLength(members);
      expect(outcome.attempt).toBe(1);
      expect(bytesToHex(outcome.sum)).toBe(bytesToHex(plainSum(job, story.seed, outcome)));
    }
  });

  test("publishes in lanes of 32 bits too", () => {
    const { job } = playLawfully({ seed: "wide", size: sizeOf(4, { laneBits: 32 }) });
    expect(job.layout.laneBits).toBe(32);
  });

  test("is the same to the last byte when it is played again", () => {
    const play = () => {
      const { frames } = playJob({ seed: "again", size: sizeOf(4) });
      return frames.map(({ bytes }) => bytesToHex(bytes));
    };
    expect(play()).toEqual(play());
  });
});

describe("a job with faults", () => {
  test.each([4, 7])("publishes where few of %i members have any", (members) => {
    playLawfully(storyOfFew(`few/${members}`, sizeOf(members)));
  });

  test.each([3, 5])("publishes with all %i members where no fault takes anything away", (members) => {
    playLawfully(storyOfMany(`many/${members}`, sizeOf(members)));
  });

  test.each([3, 4, 5])("ends void where too many of %i members die", (members) => {
    const { rounds } = playLawfully(storyOfDeaths(`deaths/${members}`, sizeOf(members)));
    expect(rounds.at(-1)?.type).toBe("void");
  });

  test("the contract's minimum counts where it is above the threshold", () => {
    const story = (minimum: number): Story => ({
      seed: "minimum",
      size: sizeOf(5, { minimum }),
      faults: [
        {
          at: { member: memberId(2), direction: "up", type: "masked", nth: 1 },
          harm: { kind: "crash member", downMs: Number.POSITIVE_INFINITY, arrives: false },
        },
      ],
    });
    expect(playLawfully(story(4)).rounds).toMatchObject([{ type: "published" }]);
    expect(playLawfully(story(5)).rounds).toMatchObject([{ type: "void", code: "too-few-members" }]);
  });
});

describe("the law", () => {
  const story: Story = { seed: "law", size: sizeOf(4) };
  const played = playJob(story);
  const [round] = played.rounds;
  if (round?.type !== "published") throw new Error("the story must publish");

  test("is broken by any other sum", () => {
    const sum = Uint8Array.from(round.sum);
    sum[40]! ^= 1;
    expect(problemsOf(story, { ...played, rounds: [{ ...round, sum }] })).not.toEqual([]);
  });

  test("is broken by a survivor that is left out", () => {
    const fewer = { ...round, survivors: round.survivors.slice(1) };
    expect(problemsOf(story, { ...played, rounds: [fewer] })).not.toEqual([]);
  });

  test("is broken by a round that is void against the story, or published against it", () => {
    const none = { type: "void", round: 1, code: "too-few-members", voids: [] } as const;
    expect(problemsOf(story, { ...played, rounds: [none] })).not.toEqual([]);
    expect(problemsOf(storyOfDeaths("law", sizeOf(4)), played)).not.toEqual([]);
  });

  test("is broken by a member with another model", () => {
    const [first, ...rest] = [...played.members];
    const [id, { end, disk }] = first!;
    const other = { end, disk: { ...disk, model: disk.model.map((value) => value + 1) } };
    expect(problemsOf(story, { ...played, members: new Map([[id, other], ...rest]) })).not.toEqual([]);
  });
});

test("a story that goes in circles is an error, not a hang", () => {
  expect(() => playJob({ seed: "bound", size: sizeOf(4), mostActions: 50 })).toThrow("somebody hangs");
});

describe("links that are away for longer than a stage waits, and shorter than the contract allows,", () => {
  const away = (type: "agree" | "unmask", members: readonly number[]): Story => ({
    seed: `away/${type}`,
    size: sizeOf(4),
    faults: members.map((member) => ({
      at: { member: memberId(member), direction: "up", type, nth: 1 },
      harm: { kind: "cut", downMs: 1500 },
    })),
  });

  test.each([
    ["agree", [1, 2, 3, 4]] as const,
    ["agree", [1, 2]] as const,
    ["unmask", [1, 2, 3, 4]] as const,
  ])("cost nothing where the members have signed: %s of %s", (type, members) => {
    const { rounds } = playLawfully(away(type, members));
    expect(rounds).toMatchObject([{ type: "published", attempt: 1, survivors: [1, 2, 3, 4] }]);
  });
});
