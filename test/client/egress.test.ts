import fs from "node:fs";
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import { Egress, maskedBytesOf, openEgressLog, readEgressLog, type SitePolicy } from "@bulkhead/client";
import { sha256 } from "@bulkhead/crypto";
import { type Chunk, type ClientMessage, encodeFrame, type Job } from "@bulkhead/protocol";
import { expect, onTestFinished, test } from "vitest";
import { newFederation } from "../coordinator/federation.ts";
import { freshFolder } from "../launch.ts";

let cached: Job | undefined;
/** The same for every test; made inside the first, since its folder goes with a test. */
const jobOfTests = (): Job => (cached ??= newFederation({ rounds: 3, attempts: 2, length: 3000 }).job);
const total = (): number => jobOfTests().layout.byteLength;
const half = (): number => Math.floor(total() / 2);

const opened = async (file: string, policy: SitePolicy = {}) => {
  const log = await openEgressLog(file);
  const egress = new Egress(jobOfTests(), policy, log);
  let isOpen = true;
  const close = () => {
    if (isOpen) egress.close();
    isOpen = false;
  };
  onTestFinished(close);
  return { pass: (frame: Uint8Array) => egress.pass(frame), close };
};

const logFile = () => path.join(freshFolder(), "egress.jsonl");

const chunk = (changed: Partial<Chunk> = {}): Uint8Array =>
  encodeFrame({
    type: "chunk",
    vector: "masked-input",
    round: 1,
    attempt: 1,
    offset: 0,
    total: total(),
    bytes: new Uint8Array(total()).fill(7),
    ...changed,
  });

const signed = (type: "advert" | "masked" | "agree" | "unmask", round: number, attempt: number, fill = 1) =>
  encodeFrame({
    type,
    round,
    attempt,
    payload: new Uint8Array(40).fill(fill),
    signature: new Uint8Array(64),
  });

const hello = (round = 0): Uint8Array => {
  const message: ClientMessage = {
    type: "hello",
    round,
    attempt: 0,
    place: "awaiting-plan",
    applied: 0,
    modelHash: new Uint8Array(32),
  };
  return encodeFrame(message);
};

test("each message is one line with its digest, the chunks of a vector together one", async () => {
  const file = logFile();
  const egress = await opened(file);
  const bytes = Uint8Array.from({ length: total() }, (_, i) => i % 251);
  expect(egress.pass(hello())).toBeUndefined();
  expect(egress.pass(chunk({ bytes: bytes.slice(0, half()) }))).toBeUndefined();
  expect(egress.pass(chunk({ offset: half(), bytes: bytes.slice(half()) }))).toBeUndefined();
  const trailer = signed("masked", 1, 1);
  expect(egress.pass(trailer)).toBeUndefined();
  egress.close();
  expect(await readEgressLog(file)).toMatchObject([
    { type: "hello", round: 0, sha256: bytesToHex(sha256(hello())) },
    { type: "masked-input-begins", round: 1, attempt: 1, from: 0, total: total() },
    { type: "masked-input", round: 1, attempt: 1, bytes: total(), sha256: bytesToHex(sha256(bytes)) },
    { type: "masked", bytes: trailer.length, sha256: bytesToHex(sha256(trailer)) },
  ]);
});

test("what is no message of a client stays here", async () => {
  const file = logFile();
  const egress = await opened(file);
  const cases = [
    new Uint8Array(0),
    Uint8Array.of(9, 9, 9),
    new Uint8Array(500_000).fill(1),
    encodeFrame({ type: "finished", code: "done" }),
    chunk({ vector: "model" }),
    chunk({ vector: "sum" }),
    chunk({ total: total() + 1 }),
  ];
  expect(cases.map((frame) => egress.pass(frame))).toEqual(cases.map(() => "frame"));
  egress.close();
  expect(await readEgressLog(file)).toEqual([]);
});

test("rounds outside the contract, and more of them than the policy allows, stay here", async () => {
  const egress = await opened(logFile(), { mostRounds: 2 });
  expect(egress.pass(chunk({ round: 0 }))).toBe("rounds");
  expect(egress.pass(chunk({ round: 4 }))).toBe("rounds");
  expect(egress.pass(signed("advert", 4, 1))).toBe("rounds");
  expect(egress.pass(chunk({ round: 1 }))).toBeUndefined();
  expect(egress.pass(chunk({ round: 2 }))).toBeUndefined();
  expect(egress.pass(chunk({ round: 3 }))).toBe("rounds");
});

test("a round has no more attempts than contract and policy allow, whichever is fewer", async () => {
  const byContract = await opened(logFile(), { mostAttemptsPerRound: 9 });
  expect([1, 2, 3].map((attempt) => byContract.pass(chunk({ attempt })))).toEqual([
    undefined,
    undefined,
    "attempts",
  ]);
  const byPolicy = await opened(logFile(), { mostAttemptsPerRound: 1 });
  expect([1, 2].map((attempt) => byPolicy.pass(chunk({ attempt })))).toEqual([undefined, "attempts"]);
  expect(byPolicy.pass(chunk({ round: 2 }))).toBeUndefined();
});

test("bytes of masked input are counted, in earlier runs too, and a piece that a crash cut short counts whole", async () => {
  const file = logFile();
  const policy = { mostBytes: 3 * total() };
  const first = await opened(file, policy);
  first.pass(chunk({ bytes: new Uint8Array(half()) }));
  expect(first.pass(chunk({ round: 2 }))).toBeUndefined();
  first.close();
  // As after a kill: the last piece was begun, and how much of it left nobody knows.
  const begun = {
    time: "",
    type: "masked-input-begins",
    round: 3,
    attempt: 1,
    bytes: 0,
    from: 0,
    total: total(),
  };
  fs.appendFileSync(file, `${JSON.stringify(begun)}\n`);
  expect(maskedBytesOf(await readEgressLog(file))).toBe(half() + 2 * total());
  const second = await opened(file, policy);
  const rest = total() - half();
  expect(second.pass(chunk({ round: 3, attempt: 2, bytes: new Uint8Array(rest) }))).toBeUndefined();
  expect(second.pass(chunk({ round: 3, attempt: 2, offset: rest, bytes: new Uint8Array(1) }))).toBe("bytes");
});

test("chunks that overlap stay here, whether or not they begin at the same place", async () => {
  const egress = await opened(logFile());
  const bytes = new Uint8Array(total()).fill(7);
  const middle = Math.floor(half() / 2);
  expect(egress.pass(chunk({ offset: middle, bytes: bytes.slice(0, half()) }))).toBeUndefined();
  for (const [offset, length] of [
    [0, middle + 1],
    [0, total()],
    [middle, 1],
    [middle + 1, 1],
    [middle + half() - 1, 2],
  ] as const)
    expect(egress.pass(chunk({ offset, bytes: bytes.slice(0, length) }))).toBe("frame");
  expect(egress.pass(chunk({ offset: 0, bytes: bytes.slice(0, middle) }))).toBeUndefined();
  expect(
    egress.pass(chunk({ offset: middle + half(), bytes: bytes.slice(middle + half()) })),
  ).toBeUndefined();
});

test("the same chunk again after a lost link is no more bytes; another at its place stays here", async () => {
  const egress = await opened(logFile(), { mostBytes: 2 * total() });
  const [head, tail] = [new Uint8Array(half()).fill(1), new Uint8Array(total() - half()).fill(2)];
  expect(egress.pass(chunk({ bytes: head }))).toBeUndefined();
  expect(egress.pass(chunk({ offset: half(), bytes: tail }))).toBeUndefined();
  expect(egress.pass(chunk({ bytes: head }))).toBeUndefined();
  const other = new Uint8Array(half()).fill(3);
  expect(egress.pass(chunk({ bytes: other }))).toBe("frame");
  // In another attempt it is under other masks; by now the budget is as good as spent.
  expect(egress.pass(chunk({ attempt: 2, bytes: other }))).toBeUndefined();
  expect(egress.pass(chunk({ attempt: 2, offset: half(), bytes: tail }))).toBeUndefined();
  expect(egress.pass(chunk({ round: 2, bytes: head }))).toBe("bytes");
});

test("an attempt that another has followed sends nothing more: its lanes would go out in two versions", async () => {
  const file = logFile();
  const egress = await opened(file);
  expect(egress.pass(chunk())).toBeUndefined();
  expect(egress.pass(chunk({ attempt: 2 }))).toBeUndefined();
  expect(egress.pass(chunk({ attempt: 1, bytes: new Uint8Array(total()).fill(8) }))).toBe("frame");
  expect(egress.pass(chunk({ round: 2 }))).toBeUndefined();
  expect(egress.pass(chunk({ attempt: 2, bytes: new Uint8Array(total()).fill(8) }))).toBe("frame");
  expect(egress.pass(chunk({ round: 2 }))).toBeUndefined();
  egress.close();
  const later = await opened(file);
  expect(later.pass(chunk({ attempt: 2, bytes: new Uint8Array(total()).fill(8) }))).toBe("frame");
});

test("what is said once is said once: a second version stays here, after a restart too", async () => {
  const file = logFile();
  const first = await opened(file);
  const once = [signed("advert", 1, 1), signed("agree", 1, 1), signed("unmask", 1, 1)];
  for (const frame of [...once, ...once]) expect(first.pass(frame)).toBeUndefined();
  expect(first.pass(signed("advert", 1, 1, 2))).toBe("frame");
  first.close();
  const second = await opened(file);
  expect(second.pass(signed("unmask", 1, 1, 2))).toBe("frame");
  // Survivors are signed and shares released once in a round, whatever the attempt.
  expect(second.pass(signed("agree", 1, 2))).toBe("frame");
  expect(second.pass(signed("unmask", 1, 2))).toBe("frame");
  expect(second.pass(signed("advert", 1, 2))).toBeUndefined();
  expect(second.pass(signed("unmask", 2, 1))).toBeUndefined();
});

test("a torn last line is cut off; any other damage is refused with its line", async () => {
  const file = logFile();
  const egress = await opened(file);
  egress.pass(hello());
  egress.close();
  const whole = fs.readFileSync(file, "utf8");
  fs.appendFileSync(file, whole.slice(0, 30));
  const log = await openEgressLog(file);
  log.close();
  expect(log.entries).toHaveLength(1);
  expect(fs.readFileSync(file, "utf8")).toBe(whole);
  fs.writeFileSync(file, `${whole}nothing\n${whole}`);
  await expect(openEgressLog(file)).rejects.toMatchObject({ code: "egress-log-damaged", place: `${file}:2` });
});
