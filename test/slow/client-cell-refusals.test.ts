import fs from "node:fs";
import path from "node:path";
import { Secret } from "@bulkhead/base";
import { type CellOutcome, type CellSettings, type PipeMessage } from "@bulkhead/client";
import { createIdentity } from "@bulkhead/crypto";
import { encodeFrame } from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";
import type { Federation } from "../coordinator/federation.ts";
import {
  heardFrame,
  newsOf,
  patientCoordinator,
  patientFederation,
  type RunningSite,
  settingsOf,
  siteFolder,
  type SiteOptions,
  startSite,
} from "../client/site.ts";

/** Nobody listens there: what is refused at the start never asks. */
const NOWHERE = "ws://127.0.0.1:1";

const refusedStart = async (
  options: Omit<SiteOptions, "url">,
  federation: Federation = patientFederation(),
): Promise<{ readonly site: RunningSite; readonly outcome: CellOutcome }> => {
  const site = startSite(federation, 1, { url: NOWHERE, ...options });
  const outcome = await site.done;
  expect(site.said).toEqual([]);
  expect(newsOf(site, "outcome")).toMatchObject([outcome]);
  return { site, outcome };
};

describe("at the start a cell refuses", () => {
  test("a contract that somebody has not signed", async () => {
    const federation = patientFederation();
    const signed = { ...federation.signed, signatures: federation.signed.signatures.slice(1) };
    const { outcome, site } = await refusedStart({ cell: { signed } }, federation);
    expect(outcome).toMatchObject({ outcome: "refused", code: "contract-unsigned" });
    expect(newsOf(site, "problem")).toMatchObject([{ problem: "provider has not signed" }]);
  });

  test("a contract that was altered since", async () => {
    const federation = patientFederation();
    const contract = { ...federation.contract, purpose: "Another" };
    const signed = { ...federation.signed, contract };
    const { outcome } = await refusedStart({ cell: { signed } }, federation);
    expect(outcome).toMatchObject({ outcome: "refused", code: "contract-altered" });
  });

  test("to be a member whose key it does not have", async () => {
    const stranger = createIdentity("site-1");
    const { outcome } = await refusedStart({ cell: { openIdentity: async () => stranger } });
    expect(outcome).toMatchObject({ outcome: "refused", code: "contract-other-identity" });
  });

  test("a task and a metric that it does not know", async () => {
    const unknown = patientFederation({ task: { kind: "regression" } });
    expect((await refusedStart({}, unknown)).outcome.code).toBe("contract-task");
    const metrics = [{ name: "text-length", most: 10, resolution: 1 }];
    expect((await refusedStart({}, patientFederation({ metrics }))).outcome).toMatchObject({
      outcome: "refused",
      code: "contract-metric",
      detail: "contract test: it asks for a metric text-length, which this program does not know",
    });
  });

  test("what the site's policy refuses, with every clause", async () => {
    const policy = { mostRounds: 1, mostLocalSteps: 0 };
    const { outcome, site } = await refusedStart({ settings: { policy } });
    expect(outcome).toMatchObject({ outcome: "refused", code: "policy-rounds" });
    const [problem] = newsOf(site, "problem");
    expect(problem!.place).toBe("policy mostRounds, mostLocalSteps");
    expect(problem!.problem).toContain("local steps");
  });

  test("rows that are bad, with file and line and without the row", async () => {
    const federation = patientFederation();
    const { data } = settingsOf(federation, 1);
    const rows = path.join(siteFolder(federation, 1), "bad.jsonl");
    fs.writeFileSync(rows, '{"text":"a secret mail","label":0}\n{"text":"another secret mail"}\n');
    const { outcome, site } = await refusedStart(
      { settings: { data: { ...data, paths: [rows] } } },
      federation,
    );
    expect(outcome).toMatchObject({ outcome: "failed", code: "data-bad-rows" });
    expect(newsOf(site, "problem")).toMatchObject([{ code: "data-bad-rows", place: `${rows}:2` }]);
    expect(JSON.stringify(site.news)).not.toContain("secret mail");
  });

  test("another base model than the contract names", async () => {
    const lora = { rank: 2, alpha: 4, layers: [0] };
    const task = { kind: "classifier", classes: 2, maxTokens: 16, lora, logitScale: 10 };
    const federation = patientFederation({ task });
    const modelFolder = siteFolder(federation, 1);
    for (const file of ["config.json", "model.safetensors", "tokenizer.json"])
      fs.writeFileSync(path.join(modelFolder, file), "{}");
    const { outcome } = await refusedStart({ settings: { modelFolder } }, federation);
    expect(outcome).toMatchObject({ outcome: "refused", code: "contract-other-model" });
    const { outcome: without } = await refusedStart({}, federation);
    expect(without).toMatchObject({ outcome: "failed", code: "config-trainer" });
  });

  test("a passphrase that does not open its identity, and wipes it", async () => {
    const federation = patientFederation();
    const identity = path.join(siteFolder(federation, 1), "identity");
    fs.writeFileSync(identity, "no identity");
    const passphrase = new Secret(new Uint8Array(8));
    const { openIdentityFile } = await import("@bulkhead/store");
    const cell = { passphrase, openIdentity: openIdentityFile };
    const { outcome } = await refusedStart({ settings: { identity }, cell }, federation);
    expect(outcome).toMatchObject({ outcome: "failed", code: "identity-not-readable" });
    expect(passphrase.isWiped).toBe(true);
  });
});

/** One site of three whose coordinator's words are altered on their way in. */
const withAltered = async (
  alter: NonNullable<SiteOptions["onWay"]>,
  settings: Partial<CellSettings> = {},
): Promise<RunningSite> => {
  const federation = patientFederation();
  const coordinator = await patientCoordinator(federation);
  for (const place of [2, 3]) startSite(federation, place, { url: coordinator.url });
  const site = startSite(federation, 1, { url: coordinator.url, onWay: alter, settings });
  await site.done;
  coordinator.stop();
  await coordinator.done;
  return site;
};

const left = ({ said }: RunningSite) => said.filter(({ type }) => type === "leave");
const frameOf = (bytes: Uint8Array): PipeMessage => ({ type: "frame", bytes });

describe("while it takes part a cell refuses", () => {
  test("bytes that are no frame", async () => {
    const site = await withAltered((from, message) =>
      heardFrame(from, message)?.type === "roster" ? [frameOf(new Uint8Array(100))] : [message],
    );
    expect(await site.done).toMatchObject({ outcome: "refused", code: "malformed" });
    expect(left(site)).toMatchObject([{ code: "refused" }]);
    expect(site.said.some(({ type }) => type === "shares")).toBe(false);
  });

  test("another first model than the contract's, before it has a seat", async () => {
    const site = await withAltered((from, message) => {
      const frame = heardFrame(from, message);
      if (frame?.type !== "chunk") return [message];
      const bytes = frame.bytes.map((byte, i) => (i === frame.bytes.length - 1 ? byte ^ 1 : byte));
      return [frameOf(encodeFrame({ ...frame, bytes }))];
    });
    expect(await site.done).toMatchObject({ outcome: "refused", code: "contract-other-model" });
    expect(site.said.map(({ type }) => type)).toEqual(["hello"]);
  });

  test("a vector that is longer than it may be", async () => {
    const site = await withAltered((from, message) => {
      const frame = heardFrame(from, message);
      if (frame?.type !== "chunk") return [message];
      return [frameOf(encodeFrame({ ...frame, total: 2 ** 40 }))];
    });
    expect(await site.done).toMatchObject({ outcome: "refused", code: "malformed" });
  });

  test("a sum that is not the one that was agreed on, and keeps its model", async () => {
    const site = await withAltered((from, message) => {
      const frame = heardFrame(from, message);
      if (frame?.type !== "chunk" || frame.vector !== "sum") return [message];
      return [frameOf(encodeFrame({ ...frame, bytes: frame.bytes.map((byte) => byte ^ 1) }))];
    });
    expect(await site.done).toMatchObject({ outcome: "refused", code: "sum-mismatch" });
    expect(newsOf(site, "applied")).toEqual([]);
  });

  test("too few verified members, before a masked byte is made", async () => {
    const site = await withAltered(
      (from, message) => {
        const frame = heardFrame(from, message);
        if (frame?.type !== "inbox") return [message];
        const shares = frame.shares.filter(({ owner }) => owner !== 2);
        return [frameOf(encodeFrame({ ...frame, shares }))];
      },
      { verifiedMembers: [1, 2, 3].map((id) => memberId(id)), policy: { minimumVerified: 3 } },
    );
    expect(await site.done).toMatchObject({
      outcome: "refused",
      code: "too-few-members",
      detail: expect.stringContaining("verified, present 2, needed 3"),
    });
    expect(newsOf(site, "masked")).toEqual([]);
  });

  test("to go on when its budget is spent, before a masked byte is made", async () => {
    const { byteLength } = patientFederation().job.layout;
    const federation = patientFederation({ egressBytes: 2 * byteLength - 1 });
    const coordinator = await patientCoordinator(federation);
    for (const place of [2, 3]) startSite(federation, place, { url: coordinator.url });
    const site = startSite(federation, 1, { url: coordinator.url });
    expect(await site.done).toMatchObject({
      outcome: "refused",
      code: "budget-spent",
      detail: expect.stringContaining("what bytes"),
    });
    expect(newsOf(site, "masked").map(({ round }) => round)).toEqual([1]);
    expect(site.trainers[0]!.jobs.map(({ round }) => round)).toEqual([1]);
    coordinator.stop();
    await coordinator.done;
  });

  test("a message that is not for it: the pipe is not to be trusted", async () => {
    const site = startSite(patientFederation(), 1, { url: NOWHERE });
    site.tell({ type: "close" });
    expect(await site.done).toMatchObject({ outcome: "failed", code: "failed" });
  });
});

test("where the coordinator cannot be reached the run ends so", async () => {
  const site = startSite(patientFederation(), 1, { url: NOWHERE, reachMs: 300 });
  expect(await site.done).toMatchObject({ outcome: "unreachable", code: "unreachable" });
  expect(site.said).toEqual([]);
});
