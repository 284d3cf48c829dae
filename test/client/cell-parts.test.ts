import fs from "node:fs";
import path from "node:path";
import { decodeCanonical, encodeCanonical, equalBytes, Mailbox, Secret } from "@bulkhead/base";
import {
  budgetProblem,
  type CellEntry,
  cellEntryCodec,
  cohortProblem,
  contributionOf,
  Contributor,
  KeptUpdate,
  NO_PROGRESS,
  PipeDesk,
  type PipeMessage,
  progressOf,
  type Site,
  VectorIntake,
  weightOf,
} from "@bulkhead/client";
import { inlineRingEngine } from "@bulkhead/compute";
import { gatewayCertificate, isGatewayCertified, LONGEST_CERTIFICATE_MS, sha256 } from "@bulkhead/crypto";
import { type Chunk, type ClientFrame, decodeCoordinatorFrame, encodeFrame } from "@bulkhead/protocol";
import { decodeSum, memberId, payloadOf } from "@bulkhead/secagg";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { meet } from "../base/decoders.ts";
import { mutated } from "../base/mutated.ts";
import { newFederation } from "../coordinator/federation.ts";
import { freshFolder } from "../launch.ts";

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const name = { round: fc.nat(2 ** 31), attempt: fc.nat(2 ** 16 - 1) };
const members = fc.uniqueArray(
  fc.integer({ min: 1, max: 255 }).map((id) => memberId(id)),
  { maxLength: 20 },
);
const entries: fc.Arbitrary<CellEntry> = fc.oneof(
  fc.record({ type: fc.constant("joined"), ...name }),
  fc.record({ type: fc.constant("signed"), ...name, survivors: members, modelHash: hash }),
  fc.record({ type: fc.constant("revealed"), ...name }),
  fc.record({ type: fc.constant("masked"), ...name, bytes: fc.nat(2 ** 40) }),
  fc.record({ type: fc.constant("applied"), round: fc.nat(2 ** 31), modelHash: hash }),
);

describe("an entry of the journal", () => {
  test("reads as it was written", () => {
    fc.assert(
      fc.property(entries, (entry) => {
        expect(decodeCanonical(cellEntryCodec, encodeCanonical(cellEntryCodec, entry))).toEqual(entry);
      }),
    );
  });

  test("is read of any bytes that encode it, or none", () => {
    const input = mutated(entries.map((entry) => encodeCanonical(cellEntryCodec, entry)));
    const takes = (bytes: Uint8Array): boolean => {
      try {
        const entry = decodeCanonical(cellEntryCodec, bytes);
        if (!equalBytes(encodeCanonical(cellEntryCodec, entry), bytes)) throw new Error("another encoding");
        return true;
      } catch (error) {
        if (error instanceof Error && error.name === "ShapeError") return false;
        throw error;
      }
    };
    meet({ name: "cell entry", input, takes }, 2000);
  });
});

describe("where a site stands", () => {
  const modelHash = new Uint8Array(32);

  test("counts masked bytes, rounds and attempts, those of one round once", () => {
    const masked = (round: number, attempt: number): CellEntry => ({
      type: "masked",
      round,
      attempt,
      bytes: 10,
    });
    const { spent } = progressOf([masked(1, 1), masked(1, 2), masked(2, 1), masked(4, 3)], "journal");
    expect(spent).toEqual({ bytes: 40, rounds: 3, round: 4, attempts: 1 });
  });

  test("knows rounds in sequence only", () => {
    const applied = (round: number): CellEntry => ({ type: "applied", round, modelHash });
    expect(progressOf([applied(1), applied(2)], "journal").applied).toHaveLength(2);
    expect(() => progressOf([applied(1), applied(3)], "journal")).toThrow(
      "round 3 is applied out of sequence",
    );
  });
});

describe("the budget", () => {
  const federation = () => newFederation({ rounds: 5, attempts: 2, egressBytes: 10_000 });
  const spent = { bytes: 0, rounds: 0, round: 0, attempts: 0 };

  test("allows what contract and policy allow", () => {
    const { job } = federation();
    expect(budgetProblem(job, {}, spent, 1)).toBeUndefined();
    expect(budgetProblem(job, { mostBytes: job.layout.byteLength }, spent, 1)).toBeUndefined();
  });

  const once = { ...spent, rounds: 1, round: 1, attempts: 1 };
  test.each([
    ["bytes of the contract", {}, { ...once, bytes: 9_990 }, "bytes"],
    ["bytes of the policy", { mostBytes: 100 }, once, "bytes"],
    ["rounds of the policy", { mostRounds: 2 }, { ...once, rounds: 3 }, "rounds"],
    ["attempts of the contract", {}, { ...once, attempts: 2 }, "attempts"],
    ["attempts of the policy", { mostAttemptsPerRound: 1 }, once, "attempts"],
  ])("is spent with the %s", (_, policy, so, what) => {
    expect(budgetProblem(federation().job, policy, so, 1)).toEqual({ code: "budget-spent", what });
  });

  test("of attempts begins anew with a round, that of rounds does not", () => {
    const { job } = federation();
    expect(budgetProblem(job, {}, { ...spent, rounds: 1, round: 1, attempts: 2 }, 2)).toBeUndefined();
    const policy = { mostRounds: 2 };
    expect(budgetProblem(job, policy, { ...once, rounds: 2, round: 3 }, 3)).toBeUndefined();
    expect(budgetProblem(job, policy, { ...once, rounds: 2, round: 3 }, 4)).toMatchObject({ what: "rounds" });
  });
});

test("members that a message names twice count once, and those that nobody verified not at all", () => {
  const verified = new Set([1, 2, 3].map((id) => memberId(id)));
  const survivors = (...ids: readonly number[]) => {
    const trailers = ids.map((id) => ({
      from: memberId(id),
      payload: new Uint8Array(1),
      signature: new Uint8Array(64),
    }));
    const frame = decodeCoordinatorFrame(encodeFrame({ type: "survivors", round: 1, attempt: 1, trailers }));
    if (frame.type === "chunk") throw new Error("not a message");
    return frame;
  };
  expect(cohortProblem({ minimumVerified: 3 }, verified, survivors(1, 2, 3))).toBeUndefined();
  expect(cohortProblem({ minimumVerified: 3 }, verified, survivors(1, 2, 4, 5))).toMatchObject({
    present: 2,
  });
  expect(cohortProblem({ minimumCohort: 3 }, verified, survivors(1, 2, 2))).toMatchObject({ present: 2 });
  expect(cohortProblem({ minimumCohort: 4 }, verified, { type: "finished", code: "done" })).toBeUndefined();
});

describe("a vector in chunks", () => {
  const chunk = (offset: number, length: number, more: Partial<Chunk> = {}): Chunk => ({
    type: "chunk",
    vector: "sum",
    round: 2,
    attempt: 1,
    offset,
    total: 10,
    bytes: new Uint8Array(length).fill(offset + 1),
    ...more,
  });
  const intake = () => new VectorIntake({ vector: "sum", round: 2, byteLength: 10 });

  test("is whole when its last piece is there", () => {
    const taking = intake();
    expect(taking.take(chunk(0, 4))).toEqual({ type: "more", bytes: 4 });
    expect(taking.take(chunk(4, 6))).toEqual({
      type: "whole",
      bytes: Uint8Array.of(1, 1, 1, 1, 5, 5, 5, 5, 5, 5),
    });
  });

  test("begins again in a new session", () => {
    const taking = intake();
    taking.take(chunk(0, 4));
    expect(taking.take(chunk(0, 6))).toEqual({ type: "more", bytes: 6 });
    expect(taking.take(chunk(6, 4))).toMatchObject({ type: "whole" });
  });

  test("of another round is passed over, of another length or order it is malformed", () => {
    expect(intake().take(chunk(0, 4, { round: 1 }))).toEqual({ type: "ignored" });
    expect(intake().take(chunk(0, 4, { total: 11 }))).toEqual({ type: "malformed" });
    expect(intake().take(chunk(4, 4))).toEqual({ type: "malformed" });
    expect(intake().take(chunk(0, 4, { vector: "model" }))).toEqual({ type: "malformed" });
  });
});

const HELD_OUT = { rows: 3, answers: 8, lossSum: 1.5, right: 5, exact: 1 };

describe("the finished update on the disk", () => {
  const siteSecret = new Secret(new Uint8Array(32).fill(7));
  const modelHash = sha256(Uint8Array.of(1));
  const trained = () => ({
    update: Float32Array.of(1, -2, 0.5),
    examples: 12,
    lossSum: 3.25,
    heldOut: HELD_OUT,
  });
  const keep = async () => {
    const { job } = newFederation({ length: 3 });
    const file = path.join(freshFolder(), "update.sealed");
    const kept = new KeptUpdate(file, job, siteSecret);
    await kept.keep({ round: 4, modelHash }, trained());
    return { file, kept, job };
  };

  test("is found for its round and model, and for no other", async () => {
    const { kept, file, job } = await keep();
    expect(await kept.find({ round: 4, modelHash })).toEqual(trained());
    expect(await kept.find({ round: 5, modelHash })).toBeUndefined();
    expect(await kept.find({ round: 4, modelHash: sha256() })).toBeUndefined();
    const stranger = new KeptUpdate(file, job, new Secret(new Uint8Array(32)));
    expect(await stranger.find({ round: 4, modelHash })).toBeUndefined();
    const elsewhere = new KeptUpdate(file, newFederation({ length: 3 }).job, siteSecret);
    expect(await elsewhere.find({ round: 4, modelHash })).toBeUndefined();
  });

  test("that was damaged or cut is trained again", async () => {
    const { kept, file } = await keep();
    const bytes = fs.readFileSync(file);
    bytes[40]! ^= 1;
    fs.writeFileSync(file, bytes);
    expect(await kept.find({ round: 4, modelHash })).toBeUndefined();
    fs.writeFileSync(file, bytes.subarray(0, 20));
    expect(await kept.find({ round: 4, modelHash })).toBeUndefined();
    kept.drop();
    expect(await kept.find({ round: 4, modelHash })).toBeUndefined();
  });
});

describe("a contribution", () => {
  test("weighs rows in the contract's steps, from one to its number of classes", () => {
    const weighting = { classes: 4, examplesPerClass: 10 };
    expect([0, 4, 14, 15, 26, 40, 900].map((rows) => weightOf(rows, weighting))).toEqual([
      1, 1, 1, 2, 3, 4, 4,
    ]);
  });

  test("is clipped to the contract's norm and carries its scalars, as the ring shows", async () => {
    const { job } = newFederation({ length: 2, clipNorm: 1 });
    const engine = inlineRingEngine();
    const vector = engine.allocate(job.layout);
    // Norm 5: a fifth of it is left.
    const trained = { update: Float32Array.of(3, -4), examples: 20, lossSum: 7.5, heldOut: HELD_OUT };
    const { isClipped, job: work } = contributionOf(job, trained, {
      rows: 3,
      roundingSeed: new Uint8Array(32),
    });
    await engine.quantise(work, vector);
    const decoded = decodeSum(job.quantisation, payloadOf(job.layout, Uint8Array.from(vector.bytes)), 1);
    expect(isClipped).toBe(true);
    expect(decoded!.mean[0]).toBeCloseTo(0.6, 3);
    expect(decoded!.mean[1]).toBeCloseTo(-0.8, 3);
    expect(decoded!.scalars).toEqual({ weight: 1, clipped: 1, clamped: 0, examples: 20, "loss-sum": 7.5 });
    expect([...trained.update]).toEqual([3, -4]);
  });
});

test("an upload of an attempt that is dropped before its turn has come is empty, and no failure", async () => {
  const { job, members: identities } = newFederation();
  const trained = { update: new Float32Array(100), examples: 1, lossSum: 1, heldOut: HELD_OUT };
  const parts: Partial<Record<keyof Site, unknown>> = {
    job,
    settings: { policy: {} },
    memory: { progress: NO_PROGRESS, note: async () => undefined },
    keptUpdate: { find: async () => trained },
    keptState: { drop: () => undefined },
    training: { rows: 3 },
    engine: inlineRingEngine(),
    identity: identities[0]!,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a contributor uses of a site
  const site = parts as unknown as Site;
  const nothing = () => undefined;
  const model = {
    bytes: new Uint8Array(0),
    flat: new Float32Array(100),
    memory: [],
    stopping: new Float32Array(0),
    hash: new Uint8Array(32),
  };
  const contributor = new Contributor(
    { site, tell: nothing, report: nothing, log: nothing },
    { round: 0, model },
  );
  const attempt = { round: 1, attempt: 1 };
  expect(await contributor.train()).toEqual({ type: "trained" });
  expect(await contributor.masking({ type: "mask", ...attempt, streams: [] })()).toMatchObject({
    type: "masked",
  });
  const first = contributor.chunks({ ...attempt, from: 0 });
  const second = contributor.chunks({ ...attempt, from: 0 });
  expect([...first].map(({ offset }) => offset)).toEqual([0]);
  contributor.dropVector();
  expect([...second]).toEqual([]);
});

test("nothing has happened at the start", () => {
  expect(progressOf([], "journal")).toEqual(NO_PROGRESS);
});

describe("the cell's end of the pipe", () => {
  /** A gateway that has said its key, and what the cell said to it. */
  const opened = () => {
    const { job, members: identities } = newFederation();
    const said: PipeMessage[] = [];
    const messages = new Mailbox<PipeMessage>();
    const desk = new PipeDesk({ messages, send: async (message) => void said.push(message) });
    messages.post({ type: "gateway-key", bytes: new Uint8Array(32).fill(9) });
    const admit = () => desk.admitGateway({ job, member: memberId(1), identity: identities[0]! });
    const certificates = () =>
      said.flatMap((message) =>
        message.type === "certificate" ? [decodeCanonical(gatewayCertificate, message.bytes)] : [],
      );
    const types = () => said.map(({ type }) => type);
    return { job, identityKey: identities[0]!.signing.publicKey, desk, messages, admit, certificates, types };
  };
  const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

  test("certifies the gateway's key when all has been checked, and again before a day is over", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { job, identityKey, admit, certificates, messages } = opened();
    await vi.advanceTimersByTimeAsync(1);
    expect(certificates()).toEqual([]);
    admit();
    const context = { contractDigest: job.contractHash, identityKey };
    expect(certificates().map((certificate) => isGatewayCertified(certificate, context))).toEqual([true]);
    await vi.advanceTimersByTimeAsync(LONGEST_CERTIFICATE_MS);
    const [first, second] = certificates();
    expect(second!.notBefore).toBeLessThan(first!.notAfter);
    messages.post({ type: "gateway-key", bytes: new Uint8Array(32).fill(8) });
    await vi.advanceTimersByTimeAsync(1);
    expect(certificates().at(-1)!.gatewayKey).toEqual(new Uint8Array(32).fill(8));
  });

  test("drops with a session what was waiting for it, and names the new one first", async () => {
    const { desk, messages, types } = opened();
    const greeting: ClientFrame = { type: "leave", round: 0, attempt: 0, code: "stopped" };
    desk.send(greeting);
    desk.send(greeting);
    desk.send(greeting);
    messages.post({ type: "link", state: "fresh", epoch: 1 });
    await turn();
    const before = types();
    expect(before.filter((type) => type === "frame").length).toBeLessThanOrEqual(3);
    messages.post({ type: "link", state: "lost", epoch: 1 });
    messages.post({ type: "link", state: "restored", epoch: 1 });
    await turn();
    expect(types()).toEqual(before);
    messages.post({ type: "link", state: "fresh", epoch: 2 });
    await turn();
    expect(types()).toEqual([...before, "begin"]);
  });

  test("reads no further while much that it has answered is not taken", async () => {
    let take = (): void => undefined;
    const isTaken = new Promise<void>((resolve) => (take = resolve));
    const messages = new Mailbox<PipeMessage>();
    const desk = new PipeDesk({ messages, send: () => isTaken });
    const answer: ClientFrame = { type: "leave", round: 1, attempt: 1, code: "attempt-lost" };
    let heard = 0;
    desk.listen(() => {
      heard++;
      desk.send(answer);
    });
    const bytes = encodeFrame({ type: "waiting", round: 1, attempt: 1, members: [] });
    for (let i = 0; i < 500; i++) messages.post({ type: "frame", bytes });
    await turn();
    expect(heard).toBeLessThan(100);
    take();
    await expect.poll(() => heard).toBe(500);
  });

  test("takes the link for lost when another gateway is there", async () => {
    const { desk, messages } = opened();
    const heard: string[] = [];
    desk.listen(({ type }) => void heard.push(type));
    messages.post({ type: "link", state: "fresh", epoch: 1 });
    messages.post({ type: "gateway-key", bytes: new Uint8Array(32).fill(8) });
    messages.post({ type: "link", state: "fresh", epoch: 2 });
    await turn();
    expect(heard).toEqual(["linked", "lost", "linked"]);
  });

  test("tells whoever begins to listen how things stand", async () => {
    const { desk, messages } = opened();
    messages.post({ type: "link", state: "fresh", epoch: 1 });
    messages.post({ type: "stop", withdraws: true });
    await turn();
    const heard: string[] = [];
    desk.listen(({ type }) => void heard.push(type));
    expect(heard).toEqual(["linked", "stop"]);
    expect([desk.stopping.aborted, desk.withdraws]).toEqual([true, true]);
    messages.close();
    expect(await desk.ended).toBe("abandoned");
  });
});
