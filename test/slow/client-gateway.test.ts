import fs from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { readEgressLog } from "@bulkhead/client";
import { exitCodeOf } from "@bulkhead/console";
import { createIdentity } from "@bulkhead/crypto";
import { CHUNK_BYTES, encodeFrame } from "@bulkhead/protocol";
import { expect, onTestFinished, test, vi } from "vitest";
import { newFederation } from "../coordinator/federation.ts";
import { openPort, startGateway } from "../client/gateway-desk.ts";

const advert = (round: number): Uint8Array =>
  encodeFrame({
    type: "advert",
    round,
    attempt: 1,
    payload: new Uint8Array(40).fill(round),
    signature: new Uint8Array(64),
  });

const waitFor = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 400 && !holds(); tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).toBe(true);
};

/** Frames of a MiB that sockets, sessions and links on both sides hold. */
const MOST_WAITING = 30;

/** Once it no longer changes. */
const settled = async (value: () => number): Promise<number> => {
  for (let before = Number.NaN; ;) {
    const now = value();
    if (now === before) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};

test("frames go both ways in a session that the cell has begun, and what was sent before closing arrives", async () => {
  const federation = newFederation();
  const port = await openPort(federation);
  const gateway = startGateway(federation, port);
  const { epoch } = await gateway.next("link", ({ state }) => state === "fresh");
  gateway.say({ type: "frame", bytes: advert(1) });
  gateway.say({ type: "begin", epoch });
  gateway.say({ type: "frame", bytes: advert(2) });
  void port.sessions[0]!.send(Uint8Array.of(1, 2, 3));
  expect(await gateway.next("frame")).toEqual({ type: "frame", bytes: Uint8Array.of(1, 2, 3) });
  gateway.say({ type: "close" });
  await gateway.ended;
  expect(port.received).toEqual([advert(2)]);
  expect(await readEgressLog(join(gateway.folder, "egress.jsonl"))).toMatchObject([
    { type: "advert", round: 2 },
  ]);
});

test("the time to reach the coordinator begins when the cell is ready, however long it was at its rows", async () => {
  const federation = newFederation({ timing: { resumeMs: 100 } });
  const port = await openPort(federation);
  const settings = { reachMs: 1000 };
  const gateway = startGateway(federation, { ...port, settings, certifyAfterMs: 1500 });
  expect(await gateway.next("link")).toMatchObject({ state: "fresh" });
});

test("a coordinator started anew is a new session; what was meant for the old one does not go out", async () => {
  const federation = newFederation({ timing: { resumeMs: 5000 } });
  const first = await openPort(federation);
  const gateway = startGateway(federation, first);
  const before = await gateway.next("link", ({ state }) => state === "fresh");
  gateway.say({ type: "begin", epoch: before.epoch });
  await first.close();
  await gateway.next("link", ({ state }) => state === "lost");
  const second = await openPort(federation, { port: first.port });
  const after = await gateway.next("link", ({ state }) => state === "fresh");
  expect(after.epoch).toBeGreaterThan(before.epoch);
  gateway.say({ type: "frame", bytes: advert(1) });
  gateway.say({ type: "begin", epoch: after.epoch });
  gateway.say({ type: "frame", bytes: advert(2) });
  await waitFor(() => second.received.length > 0);
  expect(second.received).toEqual([advert(2)]);
});

test("a coordinator may be killed and started as often as it likes, however short it lives", async () => {
  const federation = newFederation({ timing: { resumeMs: 5000 } });
  let coordinator = await openPort(federation);
  const gateway = startGateway(federation, coordinator);
  for (let starts = 1; starts <= 15; starts++) {
    await gateway.next("link", ({ state }) => state === "fresh");
    await coordinator.kill();
    coordinator = await openPort(federation, { port: coordinator.port });
  }
  expect(await gateway.next("link", ({ state }) => state === "fresh")).toMatchObject({ state: "fresh" });
});

test("a coordinator that stays away is unreachable once the time for another session is up too", async () => {
  const federation = newFederation({ timing: { resumeMs: 200 } });
  const port = await openPort(federation);
  const gateway = startGateway(federation, { ...port });
  await gateway.next("link", ({ state }) => state === "fresh");
  await port.close();
  await gateway.next("link", ({ state }) => state === "lost");
  expect(await gateway.next("over")).toEqual({ type: "over", code: "unreachable" });
});

test("a coordinator that was stopped is waited for, and if it stays away that is what is said", async () => {
  const federation = newFederation({ timing: { resumeMs: 200 } });
  const port = await openPort(federation);
  const gateway = startGateway(federation, { ...port, settings: { reachMs: 2000 } });
  await gateway.next("link", ({ state }) => state === "fresh");
  await port.close();
  const waiting = await gateway.problem();
  expect([waiting.code, waiting.cure]).toEqual(["coordinator-stopped", "it is waited for, up to 2 s"]);
  const again = await openPort(federation, { port: port.port });
  await gateway.next("link", ({ state }) => state === "fresh");
  await again.close();
  expect((await gateway.problem()).cure).toBe("it is waited for, up to 2 s");
  const over = await gateway.problem();
  expect([over.code, exitCodeOf(over.code)]).toEqual(["coordinator-stopped", 4]);
  expect(over.cure).toBe("run the same command again to go on");
  expect(await gateway.next("over")).toEqual({ type: "over", code: "unreachable" });
});

test("a frame that may not leave is answered with its code, and the coordinator never sees it", async () => {
  const federation = newFederation();
  const port = await openPort(federation);
  const gateway = startGateway(federation, { ...port, settings: { policy: { mostRounds: 1 } } });
  const { epoch } = await gateway.next("link");
  gateway.say({ type: "begin", epoch });
  gateway.say({ type: "frame", bytes: Uint8Array.of(1, 2, 3) });
  expect((await gateway.problem()).code).toBe("policy-egress-frame");
  expect(await gateway.next("refused")).toEqual({ type: "refused", code: "frame" });
  gateway.say({ type: "frame", bytes: advert(99) });
  expect(await gateway.next("refused")).toEqual({ type: "refused", code: "rounds" });
  gateway.say({ type: "close" });
  await gateway.ended;
  expect(port.received).toEqual([]);
});

test("where the egress log cannot be written nothing leaves, and the disk is to blame", async () => {
  const federation = newFederation();
  const port = await openPort(federation);
  const gateway = startGateway(federation, port);
  const { epoch } = await gateway.next("link");
  gateway.say({ type: "begin", epoch });
  const full = vi.spyOn(fs, "writeSync").mockImplementation(() => {
    throw Object.assign(new Error("full"), { code: "ENOSPC" });
  });
  gateway.say({ type: "frame", bytes: advert(1) });
  const { code } = await gateway.problem();
  full.mockRestore();
  expect([code, exitCodeOf(code)]).toEqual(["disk-full", 1]);
  expect(await gateway.next("over")).toEqual({ type: "over", code: "failed" });
  gateway.say({ type: "close" });
  await gateway.ended;
  expect(port.received).toEqual([]);
});

test("a coordinator that does not read holds the pipe up, and no more than the bound waits here", async () => {
  const federation = newFederation({ length: CHUNK_BYTES, rounds: 40 });
  const port = await openPort(federation, { isReading: false });
  const gateway = startGateway(federation, port);
  const { epoch } = await gateway.next("link");
  gateway.say({ type: "begin", epoch });
  const total = federation.job.layout.byteLength;
  const bytes = new Uint8Array(CHUNK_BYTES);
  const chunk = { type: "chunk", vector: "masked-input", attempt: 1, total, offset: 0, bytes } as const;
  const [none, few] = [await settled(gateway.untaken), MOST_WAITING];
  for (let round = 1; round <= 40; round++)
    gateway.say({ type: "frame", bytes: encodeFrame({ ...chunk, round }) });
  expect(none).toBe(0);
  expect(await settled(gateway.untaken)).toBeGreaterThan(40 - few);
});

test("when the supervisor is gone the gateway ends at once", async () => {
  const federation = newFederation();
  const port = await openPort(federation);
  const gateway = startGateway(federation, port);
  await gateway.next("link");
  gateway.abandon();
  await gateway.ended;
});

test("another gateway of the same member takes over, and the first does not fight for it", async () => {
  const federation = newFederation();
  const port = await openPort(federation);
  const first = startGateway(federation, port);
  await first.next("link");
  startGateway(federation, port);
  expect((await first.problem()).code).toBe("link-session-replaced");
  expect(await first.next("over")).toEqual({ type: "over", code: "replaced" });
});

test("why a coordinator cannot be reached, or does not let this site in, is said with exit code 4", async () => {
  const federation = newFederation();
  const stranger = createIdentity("stranger");
  const port = await openPort(federation);
  const other = await openPort(federation, { provider: stranger });
  const web = createServer((_, response) => response.end("hello"));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void web.close());
  const address = web.address();
  const webPort = typeof address === "object" && address !== null ? address.port : 0;
  const cases = [
    [{ url: "ws://127.0.0.1:1", settings: { reachMs: 200 } }, "link-unreachable", "unreachable"],
    [{ url: port.url.replace("ws", "wss") }, "tls-mismatch", "unreachable"],
    [{ url: `ws://127.0.0.1:${webPort}` }, "link-not-a-bulkhead-coordinator", "unreachable"],
    [{ url: other.url }, "link-wrong-coordinator", "not-let-in"],
    [{ url: port.url, identity: stranger }, "link-certificate-invalid", "not-let-in"],
  ] as const;
  for (const [options, problem, code] of cases) {
    const gateway = startGateway(federation, options);
    const { code: said, cure } = await gateway.problem();
    expect(said).toBe(problem);
    expect(exitCodeOf(said)).toBe(4);
    expect(cure).not.toBe("");
    expect(await gateway.next("over")).toEqual({ type: "over", code });
    gateway.abandon();
  }
});

test("what the config says wrong about the way there is the config's error", async () => {
  const federation = newFederation();
  const gateway = startGateway(federation, { url: "http://127.0.0.1:1" });
  const { code } = await gateway.problem();
  expect([code, exitCodeOf(code)]).toEqual(["config-address-malformed", 2]);
});
