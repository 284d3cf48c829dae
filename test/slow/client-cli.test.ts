import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadSiteConfig, program as siteProgram, readVerifiedPeers } from "@bulkhead/client";
import type { Program } from "@bulkhead/console";
import { program as providerProgram } from "@bulkhead/coordinator";
import { safetyNumber } from "@bulkhead/crypto";
import { readSignedContractFile, signatureFindings } from "@bulkhead/party";
import { readPublicIdentity } from "@bulkhead/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runHere } from "../client/command-site.ts";
import { commandOf, runToEnd } from "../launch.ts";

const CLIENT = new URL("../../client/src/main.ts", import.meta.url);
const SITES = ["north", "east", "west"];

const folder = fs.mkdtempSync(path.join(tmpdir(), "bulkhead-test-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
const at = (...parts: readonly string[]) => path.join(folder, ...parts);
const config = (site: string) => at(site, "site.yaml");
const pass = (name: string) => ["--passphrase-file", at(`${name}.pass`)];
const draft = at("c", "contract.json");
const PROVIDER = ["--config", at("provider", "coordinator.yaml")];

/** As a process. */
const client = (...args: readonly string[]) => runToEnd(CLIENT, args);
/** In this process: what other tests have looked at as processes. */
const here = async (program: Program, ...args: readonly string[]): Promise<string> => {
  const { code, stdout } = await runHere(program, args);
  expect({ args, code }).toEqual({ args, code: 0 });
  return stdout;
};

/** A provider and three sites from their own `init`, and a draft that names all of them. */
beforeAll(async () => {
  for (const name of ["provider", ...SITES])
    fs.writeFileSync(at(`${name}.pass`), `correct horse ${name}\n`, { mode: 0o600 });
  fs.writeFileSync(at("rows.jsonl"), '{"text":"a","label":1}\n{"text":"b","label":0}\n');
  await here(providerProgram, "init", "--folder", at("provider"), "--name", "provider", ...pass("provider"));
  for (const site of SITES) {
    await here(
      siteProgram,
      "init",
      "--folder",
      at(site),
      "--name",
      site,
      "--data",
      at("rows.jsonl"),
      ...pass(site),
    );
    await here(
      siteProgram,
      "identity",
      "export",
      "--config",
      config(site),
      "--out",
      at(`${site}.identity.json`),
    );
  }
  writeJob(at("job.yaml"));
  await here(providerProgram, "contract", "draft", ...PROVIDER, "--job", at("job.yaml"), "--out", at("c"));
}, 120_000);

/** JSON is YAML. */
const writeJob = (file: string): void =>
  fs.writeFileSync(
    file,
    JSON.stringify({
      job: "sums",
      purpose: "Sums",
      provider: { address: "ws://127.0.0.1:7443" },
      members: SITES.map((site) => `${site}.identity.json`),
      task: { kind: "module", tensors: [{ name: "weights", shape: [50], range: 4 }] },
      training: { rounds: 2, localSteps: 1, batchSize: 1, learningRate: 1, optimiser: { type: "sgd" } },
      update: { clipNorm: 100 },
    }),
  );

test("from init to a gathered contract: sites review, verify, check their data and sign", async () => {
  const north = ["--config", config("north")];
  const { publicKey } = await readPublicIdentity(at("east.identity.json"));
  const number = ["--safety-number", safetyNumber(publicKey)];
  const verify = ["peers", "verify", ...north, "--contract", draft, "--name", "east"];
  expect(await client(...verify, ...number)).toMatchObject({ ended: 0, stderr: "" });
  const other = await client("peers", "verify", ...north, "--contract", draft, "--name", "west", ...number);
  expect(other).toMatchObject({ ended: 3, stdout: "" });
  expect(other.stderr).toMatch(/^error: .*contract\.json: THE NUMBERS DIFFER: .*\n$/u);
  const checked = await client("data", "check", ...north, "--contract", draft);
  expect(checked).toMatchObject({ ended: 0, stderr: "" });
  expect(checked.stdout).toContain("2 rows: 2 are good");

  const reviewed = await client("contract", "review", draft, ...north);
  expect(reviewed).toMatchObject({ ended: 0, stderr: "" });
  const signature = (name: string) => at(`${name}.signature.json`);
  const sign = (name: string) => ["contract", "sign", draft, "--out", signature(name), ...pass(name)];
  expect(await client(...sign("north"), ...north)).toMatchObject({ ended: 0, stderr: "" });
  for (const site of ["east", "west"]) await here(siteProgram, ...sign(site), "--config", config(site));
  await here(providerProgram, ...sign("provider"), ...PROVIDER);
  const gathered = at("signed.json");
  const signatures = ["provider", ...SITES].map(signature);
  await here(providerProgram, "contract", "gather", draft, ...signatures, "--out", gathered);
  const findings = signatureFindings(await readSignedContractFile(gathered));
  expect(findings.map(({ problem }) => problem)).toEqual([undefined, undefined, undefined, undefined]);
});

test("bad input is one line with a cure and a numbered exit code", async () => {
  const spoilt = at("north", "spoilt.yaml");
  fs.copyFileSync(config("north"), spoilt);
  const north = ["--config", spoilt];
  fs.writeFileSync(at("wrong"), "battery staple\n", { mode: 0o600 });
  const sign = (...more: readonly string[]) => client("contract", "sign", draft, ...north, ...more);
  const wrong = await sign("--out", at("s.json"), "--passphrase-file", at("wrong"));
  expect(wrong).toMatchObject({ ended: 2, stdout: "" });
  expect(wrong.stderr).toMatch(/^error: .*identity\.key: the passphrase does not open this identity; .*\n$/u);
  expect(wrong.stderr).not.toContain("battery");
  const nowhere = await sign("--out", at("no", "where.json"), ...pass("north"));
  expect(nowhere).toMatchObject({ ended: 2, stdout: "" });
  expect(nowhere.stderr).toContain("its folder does not exist");
  const silent = await sign("--out", at("s.json"));
  expect(silent).toMatchObject({ ended: 2, stdout: "" });
  expect(silent.stderr).toContain("--passphrase-file");
  expect(fs.existsSync(at("s.json"))).toBe(false);

  fs.writeFileSync(at("bad.jsonl"), '{"text":"private words","label":1}\nprivate words\n');
  const data = { type: "jsonl", paths: ["../bad.jsonl"] };
  const rest = { identity: "identity.key", state: "state", data, policy: { mostRounds: 1 } };
  fs.writeFileSync(spoilt, JSON.stringify(rest));
  const rows = await client("data", "check", ...north, "--json");
  expect(rows.ended).toBe(2);
  expect(JSON.parse(rows.stderr)).toMatchObject({
    error: { code: "data-bad-rows", place: `${at("bad.jsonl")}:2` },
    exitCode: 2,
  });
  expect(`${rows.stdout}${rows.stderr}`).not.toContain("private");
  const refused = await client("contract", "review", draft, ...north);
  expect(refused.ended).toBe(3);
  expect(refused.stdout).toContain("policy-rounds");
  expect(refused.stderr.trimEnd().split("\n")).toHaveLength(1);
  fs.writeFileSync(spoilt, "identity: identity.key\npolicies: {}\n");
  const typo = await client("data", "check", ...north);
  expect(typo.ended).toBe(2);
  expect(typo.stderr).toMatch(/spoilt\.yaml:2:1 policies: .*policy/u);
  expect((await client("reveiw")).ended).toBe(2);
  expect((await client("contract", "review", draft)).ended).toBe(2);
});

test("init tells which columns there are where it cannot tell which one is the text", async () => {
  fs.writeFileSync(at("mail.tsv"), "subject\tbody\tspam\nA\tB\t1\n");
  const data = ["--data", path.relative(process.cwd(), at("mail.tsv"))];
  const made = await here(
    siteProgram,
    "init",
    "--folder",
    at("south"),
    "--name",
    "south",
    ...data,
    ...pass("north"),
  );
  expect(made).toContain("subject, body, spam");
  const { config: loaded } = await loadSiteConfig(config("south"));
  expect(loaded.data).toMatchObject({ type: "csv", delimiter: "\t", paths: [at("mail.tsv")] });
  expect(fs.readFileSync(config("south"), "utf8")).toContain("../mail.tsv");
});

const hasScript = spawnSync("script", ["--version"]).status === 0;

test.skipIf(!hasScript)(
  "at a terminal the number is shown, and a person says whether it is the same (skipped where script(1) is missing)",
  async () => {
    const north = ["--config", config("north"), "--contract", draft];
    const answer = async (typed: string) => {
      const verify = commandOf(CLIENT, ["peers", "verify", ...north, "--name", "west"]);
      const command = verify.map((part) => `'${part}'`).join(" ");
      const terminal = spawn("script", ["-qec", command, "/dev/null"]);
      let shown = "";
      terminal.stdout.on("data", (data: Buffer) => {
        const wasAsked = shown.includes("(yes or no)");
        shown += data.toString();
        if (!wasAsked && shown.includes("(yes or no)")) terminal.stdin.write(typed);
      });
      const code = await new Promise((resolve) => terminal.on("close", resolve));
      return { code, shown };
    };
    const isVerified = async () => {
      const { config: loaded } = await loadSiteConfig(config("north"));
      return (await readVerifiedPeers(loaded.state)).some(({ name }) => name === "west");
    };
    const yes = await answer("yes\r");
    expect(yes.code).toBe(0);
    expect(yes.shown).toMatch(/(\d{5} ){11}\d{5}/u);
    expect(await isVerified()).toBe(true);
    const interrupted = await answer("\u0003");
    expect(interrupted.code).toBe(5);
    const neither = await answer("perhaps\r");
    expect(neither.code).toBe(2);
    expect(await isVerified()).toBe(true);
    const no = await answer("no\r");
    expect(no.code).toBe(3);
    expect(no.shown).toContain("THE NUMBERS DIFFER");
    expect(await isVerified()).toBe(false);
  },
);
