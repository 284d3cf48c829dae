import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { loadSiteConfig } from "@bulkhead/client";
import { safetyNumber } from "@bulkhead/crypto";
import { readSignedContractFile, signatureFindings } from "@bulkhead/party";
import { readPublicIdentity } from "@bulkhead/store";
import { expect, test } from "vitest";
import { commandOf, freshFolder, runToEnd } from "../launch.ts";

const CLIENT = new URL("../../client/src/main.ts", import.meta.url);
const COORDINATOR = new URL("../../coordinator/src/main.ts", import.meta.url);
const SITES = ["north", "east", "west"];

/** A provider and three sites from their own `init`, and a draft that names all of them. */
const prepared = async () => {
  const folder = freshFolder();
  const at = (...parts: readonly string[]) => path.join(folder, ...parts);
  const client = (...args: readonly string[]) => runToEnd(CLIENT, args);
  const coordinator = (...args: readonly string[]) => runToEnd(COORDINATOR, args);
  const pass = (name: string) => {
    fs.writeFileSync(at(`${name}.pass`), `correct horse ${name}\n`, { mode: 0o600 });
    return ["--passphrase-file", at(`${name}.pass`)];
  };
  const config = (site: string) => at(site, "site.yaml");
  await coordinator("init", "--folder", at("provider"), "--name", "provider", ...pass("provider"));
  fs.writeFileSync(at("rows.jsonl"), '{"text":"a","label":1}\n{"text":"b","label":0}\n');
  for (const site of SITES) {
    const data = ["--data", at("rows.jsonl")];
    const made = await client("init", "--folder", at(site), "--name", site, ...data, ...pass(site));
    expect(made).toMatchObject({ ended: 0, stderr: "" });
    const out = ["--out", at(`${site}.identity.json`)];
    expect((await client("identity", "export", "--config", config(site), ...out)).ended).toBe(0);
  }
  writeJob(at("job.yaml"));
  const provider = ["--config", at("provider", "coordinator.yaml")];
  const draft = await coordinator(
    "contract",
    "draft",
    ...provider,
    "--job",
    at("job.yaml"),
    "--out",
    at("c"),
  );
  expect(draft).toMatchObject({ ended: 0, stderr: "" });
  return { at, client, coordinator, pass, config, provider, draft: at("c", "contract.json") };
};

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
  const { at, client, coordinator, pass, config, provider, draft } = await prepared();
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

  const signatures = await Promise.all(
    SITES.map(async (site) => {
      const out = at(`${site}.signature.json`);
      const reviewed = await client("contract", "review", draft, "--config", config(site));
      expect(reviewed).toMatchObject({ ended: 0, stderr: "" });
      const signing = ["contract", "sign", draft, "--config", config(site), "--out", out, ...pass(site)];
      expect(await client(...signing)).toMatchObject({ ended: 0, stderr: "" });
      return out;
    }),
  );
  const own = at("provider.signature.json");
  const signing = ["contract", "sign", draft, ...provider, "--out", own, ...pass("provider")];
  expect((await coordinator(...signing)).ended).toBe(0);
  const gathered = at("signed.json");
  expect((await coordinator("contract", "gather", draft, own, ...signatures, "--out", gathered)).ended).toBe(
    0,
  );
  const findings = signatureFindings(await readSignedContractFile(gathered));
  expect(findings.map(({ problem }) => problem)).toEqual([undefined, undefined, undefined, undefined]);
});

test("bad input is one line with a cure and a numbered exit code", async () => {
  const { at, client, pass, config, draft } = await prepared();
  const north = ["--config", config("north")];
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
  fs.writeFileSync(config("north"), JSON.stringify(rest));
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
  fs.writeFileSync(config("north"), "identity: identity.key\npolicies: {}\n");
  const typo = await client("data", "check", ...north);
  expect(typo.ended).toBe(2);
  expect(typo.stderr).toMatch(/site\.yaml:2:1 policies: .*policy/u);
  expect((await client("reveiw")).ended).toBe(2);
  expect((await client("contract", "review", draft)).ended).toBe(2);
});

test("init tells which columns there are where it cannot tell which one is the text", async () => {
  const folder = freshFolder();
  const at = (...parts: readonly string[]) => path.join(folder, ...parts);
  fs.writeFileSync(at("mail.tsv"), "subject\tbody\tspam\nA\tB\t1\n");
  fs.writeFileSync(at("pass"), "correct horse\n", { mode: 0o600 });
  const data = ["--data", path.relative(process.cwd(), at("mail.tsv"))];
  const init = ["init", "--folder", at("south"), "--name", "south", "--passphrase-file", at("pass"), ...data];
  const made = await runToEnd(CLIENT, init);
  expect(made).toMatchObject({ ended: 0, stderr: "" });
  expect(made.stdout).toContain("subject, body, spam");
  const { config } = await loadSiteConfig(at("south", "site.yaml"));
  expect(config.data).toMatchObject({ type: "csv", delimiter: "\t", paths: [at("mail.tsv")] });
  expect(fs.readFileSync(at("south", "site.yaml"), "utf8")).toContain("../mail.tsv");
});

const COMMANDS = [
  "init",
  "identity show",
  "identity export",
  "peers list",
  "peers verify",
  "contract review",
  "contract sign",
  "data check",
  "run",
  "leave",
  "status",
];

test("every command has help with an example", async () => {
  const helps = await Promise.all(COMMANDS.map((name) => runToEnd(CLIENT, [...name.split(" "), "--help"])));
  for (const [i, { ended, stdout, stderr }] of helps.entries()) {
    expect({ ended, stderr }).toEqual({ ended: 0, stderr: "" });
    expect(stdout).toContain(`$ npx bulkhead-client ${COMMANDS[i]}`);
  }
});

const hasScript = spawnSync("script", ["--version"]).status === 0;

test.skipIf(!hasScript)(
  "at a terminal the number is shown, and a person says whether it is the same (skipped where script(1) is missing)",
  async () => {
    const { config, draft, client } = await prepared();
    const north = ["--config", config("north"), "--contract", draft];
    const answer = async (typed: string) => {
      const verify = commandOf(CLIENT, ["peers", "verify", ...north, "--name", "east"]);
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
    const verified = async () => {
      const { stdout } = await client("peers", "list", ...north, "--json");
      const { peers } = JSON.parse(stdout) as { peers: { name: string; isVerified: boolean }[] };
      return peers.filter(({ isVerified }) => isVerified).map(({ name }) => name);
    };
    const yes = await answer("yes\r");
    expect(yes.code).toBe(0);
    expect(yes.shown).toMatch(/(\d{5} ){11}\d{5}/u);
    expect(await verified()).toEqual(["east"]);
    const interrupted = await answer("\u0003");
    expect(interrupted.code).toBe(5);
    const neither = await answer("perhaps\r");
    expect(neither.code).toBe(2);
    expect(await verified()).toEqual(["east"]);
    const no = await answer("no\r");
    expect(no.code).toBe(3);
    expect(no.shown).toContain("THE NUMBERS DIFFER");
    expect(await verified()).toEqual([]);
  },
);
