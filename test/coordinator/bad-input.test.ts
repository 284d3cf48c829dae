import fs from "node:fs";
import path from "node:path";
import { checkContract, signContract } from "@bulkhead/protocol";
import { createIdentity } from "@bulkhead/crypto";
import { expect, onTestFinished, test } from "vitest";
import { coordinate, memberOf, newFederation } from "./federation.ts";

test("a contract without every signature does not start, and who is missing is named", async () => {
  const federation = newFederation();
  const signatures = federation.signed.signatures.filter(({ name }) => name !== "site-2");
  await expect(
    coordinate({ ...federation, signed: { ...federation.signed, signatures } }),
  ).rejects.toMatchObject({ code: "contract-unsigned", problem: "site-2 has not signed" });
  expect(fs.existsSync(federation.state)).toBe(false);
});

test("a contract that was altered after it was signed does not start", async () => {
  const federation = newFederation();
  const { contract } = federation;
  const training = { ...contract.training, rounds: contract.training.rounds + 1 };
  const altered = checkContract({ ...contract, training });
  await expect(
    coordinate({ ...federation, signed: { ...federation.signed, contract: altered } }),
  ).rejects.toMatchObject({ code: "contract-altered" });
});

test("a signature by another key than the contract's is named", async () => {
  const federation = newFederation();
  const { contract, signed } = federation;
  const forged = signContract(contract, "site-1", createIdentity("site-1").signing);
  const signatures = signed.signatures.map((signature) => (signature.name === "site-1" ? forged : signature));
  await expect(coordinate({ ...federation, signed: { contract, signatures } })).rejects.toMatchObject({
    code: "contract-unsigned",
    problem: "site-1 has signed with another key than the contract names",
  });
});

test("another provider's contract does not start", async () => {
  const federation = newFederation();
  const provider = createIdentity("provider");
  await expect(coordinate({ ...federation, provider })).rejects.toMatchObject({
    code: "contract-other-provider",
  });
});

test("a classifier's contract that does not describe its adapters is refused before it is begun", async () => {
  const task = { kind: "classifier", classes: 2 };
  await expect(coordinate(newFederation({ task }))).rejects.toMatchObject({
    code: "contract-task",
    place: "contract test task.maxTokens",
  });
});

test("an initial model that is not there is asked for by its option", async () => {
  const federation = newFederation();
  const initialModel = path.join(federation.folder, "none.safetensors");
  await expect(coordinate({ ...federation, initialModel })).rejects.toMatchObject({
    code: "file-missing",
    place: initialModel,
    cure: expect.stringContaining("--initial"),
  });
});

test("what a killed process had half written is removed", async () => {
  const federation = newFederation({ rounds: 1 });
  const first = await coordinate(federation);
  first.stop();
  await first.done;
  const left = path.join(path.dirname(first.report), "rounds", "1", ".sum.bin.0123456789abcdef.tmp");
  fs.mkdirSync(path.dirname(left), { recursive: true });
  fs.writeFileSync(left, "half");
  await coordinate(federation);
  expect(fs.existsSync(left)).toBe(false);
});

test("an initial model that the contract does not name is refused, before anything else is kept", async () => {
  const federation = newFederation();
  const bytes = Uint8Array.from(federation.initial);
  bytes[bytes.length - 1]! ^= 1;
  fs.writeFileSync(federation.initialModel, bytes);
  await expect(coordinate(federation)).rejects.toMatchObject({
    code: "contract-other-model",
    place: federation.initialModel,
  });
  fs.rmSync(federation.initialModel);
  await expect(coordinate(federation)).rejects.toMatchObject({
    code: "file-missing",
    place: federation.initialModel,
  });
});

test("a port that is taken is named, and the state folder is free again", async () => {
  const first = await coordinate(newFederation());
  const federation = newFederation();
  const listen = { host: "127.0.0.1", port: first.port };
  await expect(coordinate(federation, { listen })).rejects.toMatchObject({
    code: "port-taken",
    place: `127.0.0.1:${first.port}`,
  });
  await coordinate(federation);
});

test("a state folder serves one process at a time", async () => {
  const federation = newFederation();
  await coordinate(federation);
  await expect(coordinate(federation)).rejects.toMatchObject({
    code: "folder-in-use",
    place: federation.state,
  });
});

test("a journal of another contract is refused", async () => {
  const [one, other] = [newFederation(), newFederation()];
  const stopped = await coordinate(one);
  stopped.stop();
  await stopped.done;
  const journal = path.join(path.dirname(stopped.report), "journal");
  const second = await coordinate(other);
  second.stop();
  await second.done;
  fs.copyFileSync(journal, path.join(path.dirname(second.report), "journal"));
  await expect(coordinate(other)).rejects.toMatchObject({ code: "journal-foreign" });
});

test("when the disk is full the run ends with one clear line, and goes on once there is room", async () => {
  const federation = newFederation({ rounds: 1, timing: { resumeMs: 5000 } });
  const { fsyncSync } = fs;
  const restore = () => {
    fs.fsyncSync = fsyncSync;
  };
  onTestFinished(restore);
  const first = await coordinate(federation);
  let { url } = first;
  const members = [1, 2, 3].map((place) =>
    memberOf(federation, place, {
      url: () => url,
      hear: (frame) => {
        if (frame.type === "survivors" && url === first.url)
          fs.fsyncSync = () => {
            throw Object.assign(new Error("full"), { code: "ENOSPC" });
          };
      },
    }),
  );
  await expect(first.done).rejects.toMatchObject({ name: "InputError", code: "disk-full" });
  restore();
  const second = await coordinate(federation);
  ({ url } = second);
  expect(await second.done).toEqual({ outcome: "done" });
  const ends = await Promise.all(members.map((member) => member.over()));
  expect(ends.map((end) => end?.stage)).toEqual(["finished", "finished", "finished"]);
});
