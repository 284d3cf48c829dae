import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { coordinate, memberOf, newFederation } from "./federation.ts";

describe("an undisturbed job", () => {
  test("three members and the coordinator end with the same model, bit for bit", async () => {
    const federation = newFederation();
    const coordinator = await coordinate(federation);
    const members = [1, 2, 3].map((place) => memberOf(federation, place, { url: () => coordinator.url }));
    await expect(coordinator.done).resolves.toEqual({ outcome: "done" });
    const ends = await Promise.all(members.map((member) => member.over()));
    expect(ends.map((end) => end?.stage)).toEqual(["finished", "finished", "finished"]);
    const report = JSON.parse(fs.readFileSync(coordinator.report, "utf8"));
    const model = fs.readFileSync(`${report.checkpoint}/model.safetensors`);
    for (const member of members) expect(model.equals(member.modelBytes)).toBe(true);
  });
});
