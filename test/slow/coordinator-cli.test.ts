import fs from "node:fs";
import path from "node:path";
import { utf8ToText } from "@bulkhead/base";
import { createIdentity } from "@bulkhead/crypto";
import { readSignedContractFile } from "@bulkhead/party";
import { contractSignatureBytes, jobOf, readContract, signContract } from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { publicIdentityBytes } from "@bulkhead/store";
import { expect, onTestFinished, test } from "vitest";
import { TestMember } from "../coordinator/member.ts";
import { freshFolder, launch, nextLine, runToEnd } from "../launch.ts";

const MAIN = new URL("../../coordinator/src/main.ts", import.meta.url);
const SITES = ["north", "east", "west"].map((name) => createIdentity(name));

/** A provider's folder with its passphrase, and the sites' public identities. */
const prepared = async () => {
  const folder = freshFolder();
  const at = (...parts: readonly string[]) => path.join(folder, ...parts);
  fs.writeFileSync(at("pass"), "correct horse\n", { mode: 0o600 });
  const pass = ["--passphrase-file", at("pass")];
  const run = (...args: readonly string[]) => runToEnd(MAIN, args);
  const made = await run("init", "--folder", at("provider"), "--name", "provider", ...pass);
  expect(made.ended).toBe(0);
  const config = at("provider", "coordinator.yaml");
  for (const { name, signing } of SITES)
    fs.writeFileSync(
      at(`${name}.identity.json`),
      publicIdentityBytes({ name, publicKey: signing.publicKey }),
    );
  fs.writeFileSync(
    at("job.yaml"),
    JSON.stringify({
      job: "sums",
      purpose: "Sums",
      provider: { address: "ws://127.0.0.1:7443" },
      members: SITES.map(({ name }) => `${name}.identity.json`),
      task: { kind: "module", tensors: [{ name: "weights", shape: [50], range: 4 }] },
      training: { rounds: 2, localSteps: 1, batchSize: 1, learningRate: 1, optimiser: { type: "sgd" } },
      update: { clipNorm: 100 },
      metrics: [
        { name: "examples", most: 1000, resolution: 1 },
        { name: "loss-sum", most: 1000, resolution: 0.25 },
      ],
      timing: { stageMs: 20_000, trainMs: 20_000, resumeMs: 10_000 },
    }),
  );
  return { at, pass, run, config };
};

const signedContract = async ({ at, pass, run, config }: Awaited<ReturnType<typeof prepared>>) => {
  const draft = await run("contract", "draft", "--config", config, "--job", at("job.yaml"), "--out", at("c"));
  expect(draft).toMatchObject({ ended: 0, stderr: "" });
  const file = at("c", "contract.json");
  const contract = readContract(fs.readFileSync(file));
  const own = at("provider.signature.json");
  expect((await run("contract", "sign", file, "--config", config, "--out", own, ...pass)).ended).toBe(0);
  const signatures = SITES.map(({ name, signing }) => {
    const signature = at(`${name}.signature.json`);
    fs.writeFileSync(signature, contractSignatureBytes(signContract(contract, name, signing)));
    return signature;
  });
  const signed = at("c", "signed-contract.json");
  const few = await run("contract", "gather", file, own, signatures[0]!, "--out", signed, "--json");
  expect(few.ended).toBe(3);
  expect(JSON.parse(few.stderr).error).toMatchObject({
    code: "contract-unsigned",
    problem: "east has not signed; west has not signed",
  });
  expect(fs.existsSync(signed)).toBe(false);
  expect((await run("contract", "gather", file, own, ...signatures, "--out", signed)).ended).toBe(0);
  return signed;
};

const parse = (line: string): { readonly [field: string]: unknown } => JSON.parse(line);

test("from init to a report: a job is drafted, signed, started, stopped by a signal and gone on with", async () => {
  const place = await prepared();
  const { at, pass, run, config } = place;
  const signed = await signedContract(place);
  const shown = await run("contract", "show", signed);
  expect(shown.stdout).toContain("What leaves a site");
  const quiet = { listen: { host: "127.0.0.1", port: 0 }, log: { level: "error" } };
  fs.writeFileSync(config, JSON.stringify({ identity: "identity.key", state: "state", ...quiet }));

  const start = (...more: readonly string[]) =>
    launch(MAIN, ["start", "--config", config, "--contract", signed, ...pass, "--json", ...more]);
  const { contract } = await readSignedContractFile(signed);
  const job = jobOf(contract);
  let url = "";
  let train = () => {};
  const trained = new Promise<void>((resolve) => {
    train = resolve;
  });
  const members = SITES.map(
    (identity, i) =>
      new TestMember({ job, id: memberId(i + 1), identity, url: () => url, train: () => trained }),
  );
  onTestFinished(() => {
    for (const member of members) member.close();
  });
  const first = start();
  url = await listening(first, at("provider", "state", "status.json"));
  const ready = await run("status", "--config", config, "--json");
  expect(parse(ready.stdout)).toMatchObject({ running: true, job: "sums", outcome: "running" });
  first.child.kill("SIGTERM");
  expect(await first.ended).toBe(5);

  const second = start("--engine", "cpu");
  url = await listening(second, at("provider", "state", "status.json"));
  train();
  expect(await second.ended).toBe(0);
  expect(await Promise.all(members.map(async (member) => (await member.over())?.stage))).toEqual([
    "finished",
    "finished",
    "finished",
  ]);
  const after = await run("status", "--config", config);
  expect(after.stdout).toContain("it ended as: done");
  expect(after.stdout).toContain("Now: nothing.");
  const report = await run("report", "--config", config);
  expect(report.stdout).toContain("done, 2 of 2 rounds");
  expect(report.stdout).toMatch(/^Ring engine: cpu, \d threads?, /mu);
  const json = await run("report", "--config", config, "--contract", signed, "--json");
  expect(parse(json.stdout)).toMatchObject({ kind: "bulkhead/run", outcome: "done", roundsApplied: 2 });
});

/** The chosen port stands in the status. */
const listening = async (running: ReturnType<typeof launch>, status: string): Promise<string> => {
  for (let tries = 0; tries < 4000; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    if (!fs.existsSync(status)) continue;
    const { pid, url } = parse(utf8ToText(fs.readFileSync(status)));
    if (pid === running.child.pid && typeof url === "string") return url;
  }
  throw new Error(`it does not listen: ${await nextLine(running)}`);
};

test("bad input is one line with a cure and a numbered exit code", async () => {
  const { at, pass, run, config } = await prepared();
  const again = await run("init", "--folder", at("provider"), "--name", "provider", ...pass);
  expect(again).toMatchObject({ ended: 2, stdout: "" });
  expect(again.stderr).toMatch(/^error: .*coordinator\.yaml: it is there already; /u);
  fs.writeFileSync(at("wrong"), "battery staple\n", { mode: 0o600 });
  const draft = ["contract", "draft", "--config", config, "--job", at("job.yaml"), "--out", at("c")];
  expect((await run(...draft)).ended).toBe(0);
  const sign = ["contract", "sign", at("c", "contract.json"), "--config", config, "--out", at("s.json")];
  const wrong = await run(...sign, "--passphrase-file", at("wrong"));
  expect(wrong.ended).toBe(2);
  expect(wrong.stderr).toContain("the passphrase does not open this identity");
  expect(wrong.stderr).not.toContain("battery");
  const start = ["start", "--config", config, "--contract", at("c", "contract.json"), ...pass];
  const unsigned = await run(...start);
  expect(unsigned.ended).toBe(3);
  expect(unsigned.stderr.trimEnd().split("\n")).toHaveLength(1);
  const unknown = await run(...start, "--engine", "gpu");
  expect(unknown.ended).toBe(2);
  expect(unknown.stderr).toContain("Allowed choices are auto, cpu, webgpu, tensorflow.");
  fs.writeFileSync(config, "identity: identity.key\nstat: state\n");
  const typo = await run("status", "--config", config);
  expect(typo.ended).toBe(2);
  expect(typo.stderr).toMatch(/coordinator\.yaml:2:1 stat: .*state/u);
  expect((await run("strat")).ended).toBe(2);
});
