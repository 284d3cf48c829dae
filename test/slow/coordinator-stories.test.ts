import fs from "node:fs";
import path from "node:path";
import { type ClientFrame, encodeFrame } from "@bulkhead/protocol";
import { describe, expect, test } from "vitest";
import { coordinate, memberOf, newFederation } from "../coordinator/federation.ts";
import type { TestMember } from "../coordinator/member.ts";
import { expectClose, expectedModel, jobFolderOf, reportOf, stageOf, STEP } from "../coordinator/outcome.ts";

describe("members that are lost", () => {
  test("one that goes after its masked input counts, and the sum has it", async () => {
    const federation = newFederation({ members: 4, rounds: 1 });
    const coordinator = await coordinate(federation);
    const url = () => coordinator.url;
    const stay = [1, 2, 4].map((place) => memberOf(federation, place, { url }));
    memberOf(federation, 3, {
      url,
      hear: (frame, member) => {
        if (frame.type === "survivors") member.close();
      },
    });
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(reportOf(coordinator).rounds[0].lost).toEqual([]);
    expectClose(stay[0]!, expectedModel(federation, [[1, 2, 3, 4]]), 2 * STEP);
  });

  test("one that withdraws its consent is not waited for", async () => {
    const federation = newFederation({ members: 4, rounds: 2, timing: { stageMs: 20_000, trainMs: 20_000 } });
    const coordinator = await coordinate(federation);
    const url = () => coordinator.url;
    const stay = [1, 2, 4].map((place) => memberOf(federation, place, { url }));
    const leaver = memberOf(federation, 3, {
      url,
      hear: (frame, member) => {
        if (frame.type === "inbox") member.withdraw();
      },
    });
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(await stageOf(leaver)).toBe("aborted");
    expect(await Promise.all(stay.map(stageOf))).toEqual(["finished", "finished", "finished"]);
  });

  test("one that starts anew while the others train is not waited for, and takes part in the next round", async () => {
    const patient = { stageMs: 30_000, trainMs: 30_000, resumeMs: 30_000 };
    const federation = newFederation({ members: 4, rounds: 2, timing: patient });
    const coordinator = await coordinate(federation);
    const url = () => coordinator.url;
    let train = () => {};
    const trained = new Promise<void>((resolve) => {
      train = resolve;
    });
    const stay = [1, 2, 4].map((place) => memberOf(federation, place, { url, train: () => trained }));
    let again: TestMember | undefined;
    memberOf(federation, 3, {
      url,
      hear: (frame, member) => {
        if (frame.type !== "inbox") return;
        member.close();
        again = memberOf(federation, 3, { url });
        setTimeout(train, 200);
      },
    });
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(await Promise.all([...stay, again!].map(stageOf))).toEqual(Array(4).fill("finished"));
    expect(reportOf(coordinator).rounds.map(({ lost }: { lost: string[] }) => lost)).toEqual([
      ["site-3"],
      [],
    ]);
  });

  test("with too few left the job ends failed after its attempts, everybody is told, nothing is revealed", async () => {
    const federation = newFederation({ attempts: 2, timing: { stageMs: 300, resumeMs: 50 } });
    const coordinator = await coordinate(federation);
    const url = () => coordinator.url;
    const stay = [1, 2].map((place) => memberOf(federation, place, { url }));
    memberOf(federation, 3, {
      url,
      hear: (frame, member) => {
        if (frame.type === "inbox") member.close();
      },
    });
    expect(await coordinator.done).toMatchObject({ outcome: "failed", code: "too-few-members" });
    const ends = await Promise.all(stay.map((member) => member.over()));
    expect(ends).toEqual([
      { stage: "finished", code: "failed" },
      { stage: "finished", code: "failed" },
    ]);
    const report = reportOf(coordinator);
    expect(report.reason.code).toBe("too-few-members");
    expect(report.voidAttempts).toHaveLength(2);
    expect(fs.existsSync(path.join(jobFolderOf(coordinator), "rounds", "1", "sum.bin"))).toBe(false);
  });

  test("one that comes late gets every sum that it missed, in order, and takes part", async () => {
    const federation = newFederation({ members: 4, rounds: 4 });
    let late: TestMember | undefined;
    const coordinator = await coordinate(federation, { startWaitMs: 100 });
    const url = () => coordinator.url;
    const join = (round: number) => {
      if (round === 3) late ??= memberOf(federation, 4, { url });
      return new Promise<void>((resolve) => setTimeout(resolve, round === 3 ? 200 : 0));
    };
    const members = [1, 2, 3].map((place) => memberOf(federation, place, { url, train: join }));
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(await stageOf(late!)).toBe("finished");
    expect(late!.applied).toBe(4);
    expect(late!.modelBytes).toEqual(members[0]!.modelBytes);
    expect(
      reportOf(coordinator).rounds.map(({ survivors }: { survivors: string[] }) => survivors.length),
    ).toEqual([3, 3, 3, 4]);
  });
});

describe("links that break", () => {
  test("survivors are signed and one is silent: the job waits, says so, and goes on when it is back", async () => {
    const federation = newFederation({ rounds: 1, timing: { stageMs: 200, resumeMs: 5000 } });
    const coordinator = await coordinate(federation);
    let isSilent = true;
    const members = [1, 2, 3].map((place) =>
      memberOf(federation, place, {
        url: () => coordinator.url,
        say: (frame) => (place === 3 && isSilent && frame.type === "unmask" ? [] : [frame]),
      }),
    );
    const status = () => JSON.parse(fs.readFileSync(path.join(federation.state, "status.json"), "utf8"));
    await expect
      .poll(() => status().attempt, { timeout: 5000 })
      .toEqual({ round: 1, attempt: 1, stage: "collecting-reveals", waiting: true });
    expect(members[0]!.heard.get("waiting")).toBe(1);
    isSilent = false;
    members[2]!.cutLink();
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(reportOf(coordinator).rounds[0]).toMatchObject({ attempt: 1, lost: [] });
  });

  test("what is missing of an upload is asked for again, by its length", async () => {
    const federation = newFederation({ rounds: 1, length: 20_000 });
    const coordinator = await coordinate(federation);
    const url = () => coordinator.url;
    let chunks = 0;
    const members = [1, 2, 3].map((place) =>
      memberOf(federation, place, {
        url,
        say: (frame) => (place === 2 && frame.type === "chunk" && ++chunks === 10 ? [] : [frame]),
      }),
    );
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(members[1]!.heard.get("received")).toBe(1);
  });

  test("an upload that does not match its digest is asked for again from its start", async () => {
    const federation = newFederation({ rounds: 1 });
    const coordinator = await coordinate(federation);
    const url = () => coordinator.url;
    let chunks = 0;
    const members = [1, 2, 3].map((place) =>
      memberOf(federation, place, {
        url,
        say: (frame) => {
          if (place !== 2 || frame.type !== "chunk" || ++chunks > 1) return [frame];
          return [{ ...frame, bytes: frame.bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte)) }];
        },
      }),
    );
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(members[1]!.heard.get("received")).toBe(1);
    expect(chunks).toBe(2);
  });
});

describe("members that misbehave", () => {
  test("one that floods with what it may say, but not now, harms nobody but itself", async () => {
    const federation = newFederation({ members: 4, rounds: 2, timing: { stageMs: 1000, trainMs: 1000 } });
    const coordinator = await coordinate(federation, { longestOutbox: 200_000 });
    const url = () => coordinator.url;
    const stay = [1, 2, 4].map((place) => memberOf(federation, place, { url }));
    const { modelHash, byteLength } = { modelHash: new Uint8Array(32), ...federation.job.layout };
    const junk = (round: number, attempt: number, i: number): readonly ClientFrame[] => [
      { type: "hello", round, attempt, place: "awaiting-roster", applied: i % 3, modelHash },
      { type: "advert", round, attempt, payload: new Uint8Array(i % 50), signature: new Uint8Array(64) },
      { type: "masked", round, attempt, payload: new Uint8Array(8), signature: new Uint8Array(64) },
      {
        type: "chunk",
        vector: "masked-input",
        round,
        attempt,
        offset: 0,
        total: byteLength + (i % 2),
        bytes: new Uint8Array(9),
      },
      { type: "leave", round, attempt: attempt + 1, code: "attempt-lost" },
    ];
    memberOf(federation, 3, {
      url,
      hear: (frame, member) => {
        if (frame.type !== "inbox") return;
        for (let i = 0; i < 300; i++)
          for (const one of junk(frame.round, frame.attempt, i)) member.send(encodeFrame(one));
      },
    });
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(await Promise.all(stay.map(stageOf))).toEqual(["finished", "finished", "finished"]);
  });

  test("one with another model refuses, and the others go on without it", async () => {
    const federation = newFederation({ members: 4, rounds: 1 });
    const coordinator = await coordinate(federation, { startWaitMs: 300 });
    const url = () => coordinator.url;
    const stay = [1, 2, 4].map((place) => memberOf(federation, place, { url }));
    const other = newFederation({ members: 4, length: 100 });
    const model = Uint8Array.from(other.initial);
    model[model.length - 1]! ^= 1;
    const stranger = memberOf(federation, 3, { url, model });
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(await stranger.over()).toMatchObject({ stage: "aborted", reason: { code: "lineage-unproven" } });
    expect(await Promise.all(stay.map(stageOf))).toEqual(["finished", "finished", "finished"]);
  });
});

test("vectors of several chunks go both ways, also to one that comes late", async () => {
  const federation = newFederation({ members: 4, rounds: 2, length: 700_000, timing: { stageMs: 10_000 } });
  const coordinator = await coordinate(federation, { startWaitMs: 300 });
  const url = () => coordinator.url;
  let late: TestMember | undefined;
  const members = [1, 2, 3].map((place) =>
    memberOf(federation, place, {
      url,
      hear: (frame) => {
        if (frame.type === "result") late ??= memberOf(federation, 4, { url });
      },
    }),
  );
  expect(await coordinator.done).toEqual({ outcome: "done" });
  expect(await stageOf(late!)).toBe("finished");
  expect(Buffer.from(late!.modelBytes).equals(members[0]!.modelBytes)).toBe(true);
});
