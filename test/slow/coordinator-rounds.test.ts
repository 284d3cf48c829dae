import fs from "node:fs";
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import { canonicalModelBytes } from "@bulkhead/finetune";
import type { ClientFrame } from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";
import { coordinate, memberOf, newFederation } from "../coordinator/federation.ts";
import { expectClose, expectedModel, jobFolderOf, reportOf, stageOf, STEP } from "../coordinator/outcome.ts";

describe("an undisturbed job", () => {
  test("members fetch the initial model, and all end with one model, the mean of all updates", async () => {
    const federation = newFederation();
    const coordinator = await coordinate(federation);
    const members = [1, 2, 3].map((place) => memberOf(federation, place, { url: () => coordinator.url }));
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(await Promise.all(members.map(stageOf))).toEqual(["finished", "finished", "finished"]);
    const { checkpoint } = reportOf(coordinator);
    const model = fs.readFileSync(path.join(checkpoint, "model.safetensors"));
    for (const member of members) expect(model.equals(member.modelBytes)).toBe(true);
    expectClose(
      members[0]!,
      expectedModel(federation, [
        [1, 2, 3],
        [1, 2, 3],
      ]),
      2 * STEP,
    );
  });

  test("its report says who took part, what it took, and the mean loss over all sites", async () => {
    const federation = newFederation({ rounds: 1 });
    const coordinator = await coordinate(federation);
    for (const place of [1, 2, 3]) memberOf(federation, place, { url: () => coordinator.url });
    await coordinator.done;
    const report = reportOf(coordinator);
    expect(report).toMatchObject({
      kind: "bulkhead/run",
      version: 1,
      contract: bytesToHex(federation.job.contractHash),
      members: ["site-1", "site-2", "site-3"],
      threshold: 3,
      minimum: 3,
      outcome: "done",
      roundsApplied: 1,
      voidAttempts: [],
    });
    const [round] = report.rounds;
    expect(round).toMatchObject({
      round: 1,
      attempt: 1,
      survivors: ["site-1", "site-2", "site-3"],
      lost: [],
      meanLoss: 0.5,
      scalars: { weight: 3, clipped: 0, clamped: 0, examples: 60, "loss-sum": 30 },
    });
    for (const name of ["site-1", "site-2", "site-3"]) {
      expect(round.bytesBySite[name].up).toBeGreaterThan(federation.job.layout.byteLength);
      expect(round.bytesBySite[name].down).toBeGreaterThan(federation.initial.length);
    }
    expect(Object.keys(round.secondsByStage)).toEqual(
      expect.arrayContaining(["collecting-adverts", "collecting-inputs", "unmasking"]),
    );
  });

  test("what is published is the sum that every member checked, and uploads do not stay", async () => {
    const federation = newFederation({ rounds: 1 });
    const coordinator = await coordinate(federation);
    for (const place of [1, 2, 3]) memberOf(federation, place, { url: () => coordinator.url });
    await coordinator.done;
    const folder = jobFolderOf(coordinator);
    const sum = fs.readFileSync(path.join(folder, "rounds", "1", "sum.bin"));
    expect(bytesToHex(sha256(sum))).toBe(reportOf(coordinator).rounds[0].sumDigest);
    expect(fs.readdirSync(path.join(folder, "rounds", "1")).sort()).toEqual([
      "result.bin",
      "sum.bin",
      "summary.json",
    ]);
    expect(fs.readdirSync(path.join(folder, "spool"))).toEqual([]);
  });

  test("of a classifier the checkpoint is an adapter in PEFT layout, and its head", async () => {
    const adapter = "base_model.model.encoder.layer.2.attention.self.query";
    const tensors = [
      { name: `${adapter}.lora_A.weight`, shape: [2, 4], range: 4 },
      { name: `${adapter}.lora_B.weight`, shape: [4, 2], range: 4 },
      { name: "classifier.weight", shape: [3, 4], range: 4 },
      { name: "classifier.bias", shape: [3], range: 4 },
    ];
    const lora = { rank: 2, alpha: 4, layers: [2] };
    const task = { kind: "classifier", classes: 3, maxTokens: 16, lora, logitScale: 10 };
    const federation = newFederation({ rounds: 1, tensors, task });
    const coordinator = await coordinate(federation);
    const members = [1, 2, 3].map((place) => memberOf(federation, place, { url: () => coordinator.url }));
    await coordinator.done;
    const { checkpoint } = reportOf(coordinator);
    const config = JSON.parse(fs.readFileSync(path.join(checkpoint, "adapter_config.json"), "utf8"));
    expect(config).toMatchObject({
      peft_type: "LORA",
      r: 2,
      lora_alpha: 4,
      target_modules: ["query", "value"],
      layers_to_transform: [2],
    });
    const model = members[0]!.model!;
    const file = (name: string) => fs.readFileSync(path.join(checkpoint, name));
    expect(file("adapter_model.safetensors")).toEqual(
      Buffer.from(canonicalModelBytes(tensors.slice(0, 2), model.slice(0, 16))),
    );
    expect(file("head.safetensors")).toEqual(
      Buffer.from(canonicalModelBytes(tensors.slice(2), model.slice(16))),
    );
  });

  test("its status says how it ended, and to strangers /healthz says no more than that it lives", async () => {
    const federation = newFederation({ rounds: 1 });
    const coordinator = await coordinate(federation);
    const health = await fetch(coordinator.url.replace("ws:", "http:").concat("/healthz"));
    expect(await health.json()).toEqual({ status: "ok" });
    for (const place of [1, 2, 3]) memberOf(federation, place, { url: () => coordinator.url });
    await coordinator.done;
    const status = JSON.parse(fs.readFileSync(path.join(federation.state, "status.json"), "utf8"));
    expect(status).toMatchObject({
      format: "bulkhead-coordinator-status/1",
      pid: process.pid,
      url: coordinator.url,
      outcome: "done",
      rounds: { applied: 1, planned: 1 },
    });
  });
});

describe("members that are lost", () => {
  test("one that goes after sharing its keys is left out, and the sum is that of the others", async () => {
    const federation = newFederation({ members: 4, rounds: 1 });
    const coordinator = await coordinate(federation);
    const url = () => coordinator.url;
    const stay = [1, 2, 4].map((place) => memberOf(federation, place, { url }));
    memberOf(federation, 3, {
      url,
      hear: (frame, member) => {
        if (frame.type === "inbox") member.close();
      },
    });
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(await Promise.all(stay.map(stageOf))).toEqual(["finished", "finished", "finished"]);
    expect(reportOf(coordinator).rounds[0]).toMatchObject({
      survivors: ["site-1", "site-2", "site-4"],
      lost: ["site-3"],
    });
    expectClose(stay[0]!, expectedModel(federation, [[1, 2, 4]]), 2 * STEP);
  });
});

describe("links that break", () => {
  test("an upload goes on where it stood, and the round has every member", async () => {
    const federation = newFederation({ rounds: 1, length: 40_000, timing: { resumeMs: 5000 } });
    const coordinator = await coordinate(federation);
    const url = () => coordinator.url;
    let chunks = 0;
    const members = [1, 2, 3].map((place) =>
      memberOf(federation, place, {
        url,
        say: (frame, member) => {
          if (place === 2 && frame.type === "chunk" && ++chunks === 30) setTimeout(() => member.cutLink(), 1);
          return [frame];
        },
      }),
    );
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(reportOf(coordinator).rounds[0].survivors).toHaveLength(3);
    expect(await Promise.all(members.map(stageOf))).toEqual(["finished", "finished", "finished"]);
  });
});

describe("members that misbehave", () => {
  test("one that sends what does not decode loses its session, and nobody else does", async () => {
    const federation = newFederation({ members: 4, rounds: 1 });
    const coordinator = await coordinate(federation);
    const url = () => coordinator.url;
    const stay = [1, 2, 4].map((place) => memberOf(federation, place, { url }));
    memberOf(federation, 3, {
      url,
      hear: (frame, member) => {
        if (frame.type !== "inbox") return;
        member.send(Uint8Array.of(1, 0xc1, 0xff));
        setTimeout(() => member.close(), 20);
      },
    });
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(await Promise.all(stay.map(stageOf))).toEqual(["finished", "finished", "finished"]);
  });
});

test("a member that leaves over and over is heard once, and the others go on", async () => {
  const federation = newFederation({ members: 4, rounds: 1 });
  const left: unknown[] = [];
  const coordinator = await coordinate(federation, {
    log: {
      log: (_, event, fields) => {
        const said = new Map<string, unknown>(Object.entries(fields));
        if (event === "member" && said.get("presence") === "left") left.push(said.get("from"));
      },
    },
  });
  const leave: ClientFrame = { type: "leave", round: 1, attempt: 1, code: "stopped" };
  for (let place = 1; place <= 4; place++)
    memberOf(federation, place, {
      url: () => coordinator.url,
      say: (frame) =>
        place === 1 && frame.type === "advert" ? Array.from({ length: 200 }, () => leave) : [frame],
    });
  expect(await coordinator.done).toEqual({ outcome: "done" });
  expect(left).toEqual([1]);
});

describe("a member that complains of another's share", () => {
  /** The first member takes the second one's share for a bad one, in the first attempt. */
  const complainsOnce = async (members: number) => {
    const federation = newFederation({ members, rounds: 1 });
    const coordinator = await coordinate(federation);
    for (let place = 1; place <= members; place++)
      memberOf(federation, place, {
        url: () => coordinator.url,
        say: (frame) =>
          place === 1 && frame.type === "shares" && frame.attempt === 1
            ? [{ type: "leave", round: frame.round, attempt: 1, code: "bad-share", about: memberId(2) }]
            : [frame],
      });
    expect(await coordinator.done).toEqual({ outcome: "done" });
    return reportOf(coordinator).rounds[0];
  };

  test("leaves that attempt and no more; all are tried again where too few would be left", async () => {
    const round = await complainsOnce(3);
    expect(round).toMatchObject({ attempt: 2, survivors: ["site-1", "site-2", "site-3"] });
    expect(round.voidAttempts).toMatchObject([{ attempt: 1, code: "too-few-members" }]);
  });

  test("does not hold up those who are enough without it", async () => {
    expect(await complainsOnce(4)).toMatchObject({ attempt: 1, lost: ["site-1"] });
  });
});
