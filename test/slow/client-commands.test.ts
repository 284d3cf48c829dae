import fs from "node:fs";
import { loadSiteConfig, program } from "@bulkhead/client";
import { createIdentity, safetyNumber } from "@bulkhead/crypto";
import { readSignatureFile } from "@bulkhead/party";
import { signatureProblem } from "@bulkhead/protocol";
import { readIdentityHeader, readPublicIdentity } from "@bulkhead/store";
import { describe, expect, test, vi } from "vitest";
import { MEMBERS, newSite, PROVIDER, writeGathered } from "../client/command-site.ts";

const numberOf = ({ signing }: (typeof MEMBERS)[number]) => safetyNumber(signing.publicKey);
const parse = (json: string): { readonly [field: string]: unknown } => JSON.parse(json);

describe("init", () => {
  test("makes an identity and a config that loads, and never overwrites them", async () => {
    const { at, pass, run } = newSite();
    const init = ["init", "--folder", at("new"), "--name", "south", "--data", at("rows.jsonl"), ...pass];
    const made = await run(...init, "--model", at("model"), "--json");
    expect(made).toMatchObject({ code: 0, error: undefined });
    const { config } = await loadSiteConfig(at("new", "site.yaml"));
    expect(config).toMatchObject({
      identity: at("new", "identity.key"),
      data: { type: "jsonl", paths: [at("rows.jsonl")], columns: { text: "text", label: "label" } },
      model: { folder: at("model") },
    });
    const own = await readIdentityHeader(config.identity);
    expect(own.name).toBe("south");
    expect(parse(made.stdout)["publicKey"]).toBe(Buffer.from(own.publicKey).toString("hex"));
    const before = fs.readFileSync(at("new", "identity.key"));
    expect(await run(...init)).toMatchObject({ code: 2, error: { code: "path-exists" } });
    fs.rmSync(at("new", "site.yaml"));
    expect((await run(...init)).error).toMatchObject({ place: at("new", "identity.key") });
    expect(fs.readFileSync(at("new", "identity.key"))).toEqual(before);
  });

  test("leaves nothing behind when the data cannot be read", async () => {
    const { at, pass, run } = newSite();
    fs.writeFileSync(at("empty.csv"), "");
    const init = ["init", "--folder", at("new"), "--name", "south", ...pass, "--data"];
    expect(await run(...init, at("no.jsonl"))).toMatchObject({ code: 2, error: { code: "data-missing" } });
    expect(await run(...init, at("empty.csv"))).toMatchObject({ code: 2, error: { code: "data-empty" } });
    expect(await run(...init, at("pass"))).toMatchObject({ code: 2, error: { place: "--data" } });
    expect(fs.existsSync(at("new"))).toBe(false);
  });
});

test("an identity is shown and exported without its passphrase", async () => {
  const { at, config, run } = newSite();
  const shown = await run("identity", "show", "--config", config);
  expect(shown.stdout).toContain(numberOf(MEMBERS[0]!));
  const exported = await run("identity", "export", "--config", config, "--out", at("n.json"), "--json");
  expect(exported.code).toBe(0);
  expect(parse(exported.stdout)).toEqual({ name: "north", file: at("n.json") });
  expect(await readPublicIdentity(at("n.json"))).toMatchObject({ name: "north" });
});

describe("a review", () => {
  test("says what would leave this site and what not, in a round and in all", async () => {
    const { config, contractFile, run } = newSite({ config: { trainer: { module: "trainer.mjs" } } });
    const { code, stdout } = await run("contract", "review", contractFile, "--config", config);
    expect(code).toBe(0);
    for (const part of [
      "This site: north, member 1 of 3. The provider, provider, is not verified",
      "What would leave this site",
      "In a round: a masked update of 142 B, again with fresh masks in each of up to 3 attempts",
      "In all 2 rounds: 284 B if all succeed at once, 852 B at the most",
      "examples (at most 1000), loss-sum (at most 1000)",
      "What would not leave it",
      "one sum of at least 3 members' updates and figures, and from it the next model; at least 2 of them are honest if up to 1",
      "A round without any one of them ends void",
      "Nothing here refuses it: it may be signed.",
    ])
      expect(stdout).toContain(part);
  });

  test("tells machines the same", async () => {
    const { config, contractFile, run } = newSite();
    const { stdout } = await run("contract", "review", contractFile, "--config", config, "--json");
    expect(parse(stdout)).toMatchObject({
      site: "north",
      member: 1,
      leaves: { attempt: 142, besides: 1800, usual: 284, most: 852, metrics: ["examples", "loss-sum"] },
      cohort: { members: 3, least: 3, colluders: 1 },
      verified: { provider: false, members: [1] },
      maySign: true,
      refusals: [],
    });
  });

  test("names every clause that the policy refuses, and then nothing is signed", async () => {
    const policy = { mostRounds: 1, minimumVerified: 3, metrics: ["examples"] };
    const { at, config, contractFile, pass, run } = newSite({ config: { policy } });
    const reviewed = await run("contract", "review", contractFile, "--config", config);
    expect(reviewed).toMatchObject({ code: 3, error: { code: "policy-metric", place: contractFile } });
    expect(reviewed.error!.problem).toMatch(/loss-sum.*; and policy-verified-members, policy-rounds$/u);
    expect(reviewed.stdout).toMatch(
      /policy-rounds {2}rounds of the contract: 2; this site allows at most 1/u,
    );
    const out = ["--out", at("north.signature.json")];
    const signed = await run("contract", "sign", contractFile, "--config", config, ...out, ...pass);
    expect(signed).toMatchObject({ code: 3, stdout: "", error: { code: "policy-metric" } });
    expect(fs.existsSync(at("north.signature.json"))).toBe(false);
  });

  test("of a gathered contract sees that it was altered", async () => {
    const site = newSite();
    const review = (file: string) => site.run("contract", "review", file, "--config", site.config);
    expect((await review(writeGathered(site))).code).toBe(0);
    const altered = writeGathered(site, { purpose: "Something else" });
    expect(await review(altered)).toMatchObject({ code: 3, error: { code: "contract-altered" } });
  });
});

test("a signature that is made counts", async () => {
  const { at, config, contract, contractFile, pass, run } = newSite();
  const out = at("north.signature.json");
  const signed = await run("contract", "sign", contractFile, "--config", config, "--out", out, ...pass);
  expect(signed).toMatchObject({ code: 0, error: undefined });
  expect(signatureProblem(contract, await readSignatureFile(out))).toBe(undefined);
});

describe("peers", () => {
  const named = ({ config, contractFile }: ReturnType<typeof newSite>, name: string) =>
    `peers verify --config ${config} --contract ${contractFile} --name ${name}`.split(" ");
  const verify = (site: ReturnType<typeof newSite>, name: string, number: string) => [
    ...named(site, name),
    "--safety-number",
    number,
  ];

  test("are verified by their numbers, which the policy then counts", async () => {
    const policy = { minimumVerified: 2, requireVerifiedProvider: true };
    const site = newSite({ config: { policy } });
    const { config, contractFile, run } = site;
    const review = () => run("contract", "review", contractFile, "--config", config, "--json");
    expect((await review()).code).toBe(3);
    expect((await run(...verify(site, "provider", numberOf(PROVIDER)))).code).toBe(0);
    const dashed = numberOf(MEMBERS[1]!).replaceAll(" ", "-");
    expect((await run(...verify(site, "east", dashed))).code).toBe(0);
    const reviewed = await review();
    expect(reviewed.code).toBe(0);
    expect(parse(reviewed.stdout)).toMatchObject({ verified: { provider: true, members: [1, 2] } });
    const listed = await run("peers", "list", "--config", config, "--contract", contractFile);
    expect(listed.stdout).toMatch(/east .* verified/u);
    expect(listed.stdout).toMatch(/west .* not verified/u);
    expect(listed.stdout).toMatch(/north .* this site/u);
  });

  test("with another number are refused loudly, and an earlier mark is taken away", async () => {
    const site = newSite();
    const { config, contractFile, run } = site;
    await run(...verify(site, "east", numberOf(MEMBERS[1]!)));
    const other = numberOf(createIdentity("east"));
    const refused = await run(...verify(site, "east", other));
    expect(refused).toMatchObject({ code: 3, stdout: "", error: { code: "peer-other-number" } });
    expect(refused.error!.problem).toMatch(/^THE NUMBERS DIFFER.*the earlier mark is taken away$/u);
    const listed = await run("peers", "list", "--config", config, "--contract", contractFile, "--json");
    expect(parse(listed.stdout)["peers"]).toContainEqual(
      expect.objectContaining({ name: "east", isVerified: false }),
    );
  });

  test("must be on the contract, by a number that is one", async () => {
    const site = newSite();
    const { run } = site;
    const stranger = await run(...verify(site, "eats", numberOf(MEMBERS[1]!)));
    expect(stranger).toMatchObject({
      code: 2,
      error: { place: "--name", cure: expect.stringContaining("east") },
    });
    expect(await run(...verify(site, "east", "12345"))).toMatchObject({
      code: 2,
      error: { place: "--safety-number" },
    });
  });

  test.skipIf(process.stdin.isTTY)("are not asked about without a terminal", async () => {
    const site = newSite();
    const asked = await site.run(...named(site, "east"));
    expect(asked).toMatchObject({ code: 2, error: { code: "usage-no-terminal" } });
  });
});

describe("data check", () => {
  test("counts labels, cut texts and bad rows, with their places", async () => {
    const rows = [
      '{"text":"short","label":1}',
      '{"text":"a text that is longer than ten","label":0}',
      '{"text":"","label":0}',
      '{"text":"no label"}',
      "nothing",
    ];
    const data = { type: "jsonl", paths: ["rows.jsonl"], longestText: 10, badRows: { count: 3 } };
    const { at, config, run } = newSite({ rows, config: { data } });
    const { code, stdout } = await run("data", "check", "--config", config, "--json");
    expect(code).toBe(0);
    const place = (line: number) => `${at("rows.jsonl")}:${line}`;
    expect(parse(stdout)["parts"]).toMatchObject([
      {
        part: "data",
        rows: 5,
        good: 2,
        bad: 3,
        badAllowed: 3,
        cut: 1,
        characters: 15,
        perLabel: [
          { label: "0", rows: 1 },
          { label: "1", rows: 1 },
        ],
        firstBad: [{ place: place(3) }, { place: place(4) }, { place: place(5) }],
      },
    ]);
    const told = (await run("data", "check", "--config", config)).stdout;
    expect(told).toContain(`${place(3)}  its text is empty`);
    expect(told).not.toContain("longer than ten");
  });

  test("above the limit tells all it found, then ends with 2", async () => {
    const rows = ['{"text":"a","label":1}', "nothing"];
    const { at, config, run } = newSite({ rows });
    const { code, stdout, error } = await run("data", "check", "--config", config);
    expect(code).toBe(2);
    expect(error).toMatchObject({ code: "data-bad-rows", place: `${at("rows.jsonl")}:2` });
    expect(stdout).toContain("2 rows: 1 are good, 1 bad (0 are allowed)");
  });

  test("holds labels and evaluation against the contract's classes", async () => {
    const lora = { rank: 2, alpha: 4, layers: [0] };
    const task = { kind: "classifier", classes: 3, maxTokens: 8, lora, logitScale: 10 };
    const labels = ["ham", "spam", "news"];
    const rows = ['{"text":"a","label":"spam"}', '{"text":"b","label":"ham"}'];
    const data = { type: "jsonl", paths: ["rows.jsonl"], labels };
    const { config, contractFile, run } = newSite({
      rows,
      config: { data, evaluation: data },
      contract: { task },
    });
    const checked = await run("data", "check", "--config", config, "--contract", contractFile);
    expect(checked.code).toBe(0);
    expect(checked.stdout).toContain("a round draws 1 of the 2 good rows");
    expect(checked.stdout).toContain("No row has the label news");
    expect(checked.stdout).toContain("evaluation: jsonl files");
  });
});

test.each([
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
])("%s has help with an example", async (command) => {
  let help = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    help += String(chunk);
    return true;
  });
  const ended = program([...command.split(" "), "--help"]);
  await expect(ended).rejects.toMatchObject({ code: "commander.helpDisplayed", exitCode: 0 });
  spy.mockRestore();
  expect(help).toContain(`$ npx bulkhead-client ${command} `);
});
