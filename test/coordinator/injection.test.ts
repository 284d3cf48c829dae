import { openAttempt, stepCoordinator } from "@bulkhead/protocol";
import { expect, test } from "vitest";
import { coordinate, memberOf, newFederation } from "./federation.ts";
import { stageOf } from "./outcome.ts";

test("what goes out can be altered, and each member refuses what it must not accept", async () => {
  const federation = newFederation({ rounds: 1, timing: { stageMs: 300 }, attempts: 1 });
  const coordinator = await coordinate(federation, {
    send: (frame, to) =>
      frame.type === "plan" && to === 2 ? [{ ...frame, signature: new Uint8Array(64) }] : [frame],
  });
  const members = [1, 2, 3].map((place) => memberOf(federation, place, { url: () => coordinator.url }));
  expect(await members[1]!.over()).toMatchObject({ stage: "aborted", reason: { code: "plan-unsigned" } });
  expect(await coordinator.done).toMatchObject({ outcome: "failed", code: "too-few-members" });
  expect(await stageOf(members[0]!)).toBe("finished");
});

test("the machine is an ordinary dependency: what it hears and says can be followed", async () => {
  const federation = newFederation({ rounds: 1 });
  const heard: string[] = [];
  const rounds: number[] = [];
  const coordinator = await coordinate(federation, {
    machine: {
      open: (opening) => {
        rounds.push(opening.context.round);
        return openAttempt(opening);
      },
      step: (state, event) => {
        heard.push(event.type === "received" ? event.message.type : event.type);
        return stepCoordinator(state, event);
      },
    },
  });
  for (const place of [1, 2, 3]) memberOf(federation, place, { url: () => coordinator.url });
  await coordinator.done;
  expect(rounds).toEqual([1]);
  expect(heard.filter((type) => type === "advert")).toHaveLength(3);
  expect(heard.at(-1)).toBe("summed");
});
