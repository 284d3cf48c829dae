/** Every attack of the scenario `malicious-coordinator` over real sockets, against the client's machine in this process. */
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { modelHash } from "@bulkhead/protocol";
import { alteredBy, type Attack, ATTACKS, WireTap } from "@bulkhead/scenarios";
import { describe, expect, test } from "vitest";
import { coordinate, type Federation, memberOf, newFederation } from "../coordinator/federation.ts";

const SIZE = 4;

const start = async (attack: Attack | undefined) => {
  const federation = newFederation({
    members: SIZE,
    timing: { stageMs: 500, trainMs: 1500, resumeMs: 500 },
  });
  const wire = path.join(federation.folder, "wire.jsonl");
  const coordinator = await coordinate(
    federation,
    alteredBy(attack, new WireTap(wire), cheaterOf(federation)),
  );
  const url = () => coordinator.url;
  // Who is to be set back must find the others in the middle of round 2.
  const train = (round: number) => sleep(attack?.setsBack && round === 2 ? 1000 : 0);
  const join = (place: number) => memberOf(federation, place, { url, train });
  return { federation, wire, coordinator, join };
};

const cheaterOf = ({ job, provider, initial }: Federation) => ({
  job,
  providerKey: provider.signing.secretKey,
  initialModelHash: modelHash(job, initial),
});

const unmaskCount = (wire: string, member: number): number =>
  fs
    .readFileSync(wire, "utf8")
    .split("\n")
    .filter((line) => line.includes(`"up","member":${member},"type":"unmask"`)).length;

test("unaltered, it publishes both rounds, and every member releases shares once in each", async () => {
  const { wire, coordinator, join } = await start(undefined);
  const members = Array.from({ length: SIZE }, (_, i) => join(i + 1));
  expect(await coordinator.done).toMatchObject({ outcome: "done" });
  for (const member of members)
    expect(await member.over()).toMatchObject({ stage: "finished", code: "done" });
  expect(members.map(({ id }) => unmaskCount(wire, id))).toEqual([2, 2, 2, 2]);
});

describe("a coordinator that cheats is refused:", () => {
  test.each(ATTACKS.map((attack) => [attack.name, attack.code, attack] as const))(
    "%s with %s",
    async (_name, code, attack) => {
      const { wire, join } = await start(attack);
      let members = Array.from({ length: SIZE }, (_, i) => join(i + 1));
      if (attack.setsBack) {
        await expect
          .poll(() => members.every(({ applied }) => applied === 1), { timeout: 10_000 })
          .toBe(true);
        members = members.map((member) => {
          if (!attack.victims.includes(member.id)) return member;
          member.close();
          return join(member.id);
        });
      }
      for (const id of attack.victims) {
        expect(await members[id - 1]!.over()).toEqual({
          stage: "aborted",
          reason: expect.objectContaining({ code }),
        });
        expect(unmaskCount(wire, id)).toBe(attack.released ?? 0);
      }
    },
    20_000,
  );
});
