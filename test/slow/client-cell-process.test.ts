/** The cell as a process of its own: real identity file, real threads, a trainer module, its pipe on file descriptors. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { Secret, utf8 } from "@bulkhead/base";
import { decodeNews, encodeSettings, type News, openChannel, runGateway } from "@bulkhead/client";
import { sealIdentity } from "@bulkhead/crypto";
import { signedContractBytes } from "@bulkhead/protocol";
import { expect, onTestFinished, test } from "vitest";
import { coordinate, type Federation } from "../coordinator/federation.ts";
import { commandOf } from "../launch.ts";
import { cellFolder, patientFederation, settingsOf, siteFolder, startSite, Wire } from "../client/site.ts";

const CELL = new URL("../../client/src/cell/main.ts", import.meta.url);
const PASSPHRASE = utf8("a passphrase of the tests");

const TRAINER = `
export const createTrainer = ({ examples, tensors }) => {
  console.log("a trainer may print");
  return {
    backend: "module", notice: undefined, tensors, rows: examples.length,
    train: async ({ model }) => ({ type: "trained", update: new Float32Array(model.length).fill(0.5), examples: 1, lossSum: 1 }),
    evaluate: async () => { throw new Error("not asked for"); },
    close: async () => undefined,
  };
};
`;

const startProcess = (federation: Federation, url: string) => {
  const folder = siteFolder(federation, 1);
  const settings = { ...settingsOf(federation, 1), trainerModule: path.join(folder, "trainer.mjs") };
  fs.writeFileSync(settings.trainerModule, TRAINER);
  fs.writeFileSync(
    settings.identity,
    sealIdentity(federation.members[0]!, new Secret(PASSPHRASE.slice()), { logN: 10, r: 1, p: 1 }),
  );
  const [command, ...args] = commandOf(CELL, []);
  const child = spawn(command!, args, { stdio: ["pipe", "pipe", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const news: News[] = [];
  let printed = "";
  for (const output of [child.stdout, child.stderr])
    output.on("data", (data: Buffer) => (printed += data.toString()));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a pipe, as `stdio` says
  const pipe = openChannel(child.stdio[3] as Readable, child.stdin);
  const wire = new Wire({ url });
  const gateway = runGateway(wire.gateway);
  void (async () => {
    for await (const message of wire.cell.messages) await pipe.send(message);
  })();
  void (async () => {
    for await (const message of pipe.messages)
      if (message.type === "news") news.push(decodeNews(message.json));
      else await wire.cell.send(message);
  })();
  const contract = signedContractBytes(federation.signed);
  void pipe.send({ type: "start", settings: encodeSettings(settings), contract });
  void pipe.send({ type: "passphrase", bytes: PASSPHRASE });
  wire.startGateway(federation, 1, settings);
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    ended,
    gateway,
    news,
    folder,
    printed: () => printed,
    stop: () => pipe.send({ type: "stop", withdraws: false }),
  };
};

test("it takes part with a trainer module in a thread, and ends by itself", async () => {
  const federation = patientFederation({ rounds: 2 });
  const coordinator = await coordinate(federation, { startWaitMs: 60_000 });
  const others = [2, 3].map((place) => startSite(federation, place, { url: coordinator.url }));
  const cell = startProcess(federation, coordinator.url);
  expect(await cell.ended).toBe(0);
  expect(await coordinator.done).toEqual({ outcome: "done" });
  await Promise.all(others.map(({ done }) => done));
  expect(cell.news.at(-1)).toEqual({ type: "outcome", outcome: "done", applied: 2 });
  expect(cell.news.find(({ type }) => type === "ready")).toMatchObject({ backend: "module", rows: 3 });
  expect(cell.printed()).toBe("a trainer may print\n");
  const models = [cell, others[0]!].map((site) =>
    fs.readFileSync(path.join(cellFolder(federation, site), "models", "round-2.safetensors")),
  );
  expect(models[0]!.equals(models[1]!)).toBe(true);
});

test("it ends in order when it is told to stop", async () => {
  const federation = patientFederation({ rounds: 2 });
  const coordinator = await coordinate(federation, { startWaitMs: 60_000 });
  const cell = startProcess(federation, coordinator.url);
  await expect.poll(() => cell.news.some(({ type }) => type === "fetching"), { timeout: 60_000 }).toBe(true);
  void cell.stop();
  expect(await cell.ended).toBe(0);
  expect(cell.news.at(-1)).toMatchObject({ type: "outcome", outcome: "stopped" });
  coordinator.stop();
  await coordinator.done;
});
