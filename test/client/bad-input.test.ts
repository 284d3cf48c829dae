import fs from "node:fs";
import { bytesToHex, canonicalJson } from "@bulkhead/base";
import { createIdentity } from "@bulkhead/crypto";
import { baseDigest } from "@bulkhead/finetune";
import { contractBytes } from "@bulkhead/protocol";
import { describe, expect, test } from "vitest";
import {
  type CommandEnd,
  MEMBERS,
  newSite,
  PASSPHRASE,
  type SiteOptions,
  type TestSite,
} from "./command-site.ts";

const TASK = {
  kind: "classifier",
  classes: 2,
  maxTokens: 8,
  lora: { rank: 2, alpha: 4, layers: [0] },
  logitScale: 10,
};

/** What every one of them has to be: one clear line with a place and a cure, no secret in it. */
const expectOneLine = ({ error, stdout }: CommandEnd): void => {
  expect(error).toBeDefined();
  const { code, place, problem, cure } = error!;
  for (const part of [code, place, problem, cure]) {
    expect(part).not.toBe("");
    expect(part).not.toMatch(/\n| at .*:\d+:\d+\)/u);
  }
  expect(`${place}${problem}${cure}${stdout}`).not.toContain(PASSPHRASE);
};

const review = ({ run, config, contractFile }: TestSite) =>
  run("contract", "review", contractFile, "--config", config);
const sign = ({ run, config, contractFile, at, pass }: TestSite) =>
  run("contract", "sign", contractFile, "--config", config, "--out", at("out.json"), ...pass);
const check = ({ run, config }: TestSite) => run("data", "check", "--config", config);
const checkAgainst = ({ run, config, contractFile }: TestSite) =>
  run("data", "check", "--config", config, "--contract", contractFile);

interface Case {
  readonly what: string;
  readonly site?: SiteOptions;
  readonly spoil?: (site: TestSite) => void;
  readonly command: (site: TestSite) => Promise<CommandEnd>;
  readonly code: string;
  readonly place?: RegExp;
  readonly exit: number;
}

const CASES: readonly Case[] = [
  {
    what: "a config that is not there",
    spoil: ({ config }) => fs.rmSync(config),
    command: check,
    code: "config-missing",
    place: /site\.yaml$/u,
    exit: 2,
  },
  {
    what: "a config with a misspelt key",
    site: { config: { polices: {} } },
    command: review,
    code: "config-unknown-key",
    place: /site\.yaml:\d+:\d+ polices$/u,
    exit: 2,
  },
  {
    what: "a config that is no YAML",
    spoil: ({ config }) => fs.writeFileSync(config, "identity: [\n"),
    command: check,
    code: "config-syntax",
    place: /site\.yaml:\d+:\d+$/u,
    exit: 2,
  },
  {
    what: "a contract that is not there",
    spoil: ({ contractFile }) => fs.rmSync(contractFile),
    command: review,
    code: "file-missing",
    place: /contract\.json$/u,
    exit: 2,
  },
  {
    what: "a contract edited by hand",
    spoil: ({ contractFile }) =>
      fs.writeFileSync(
        contractFile,
        fs.readFileSync(contractFile, "utf8").replace('"minimum":3', '"minimum":2'),
      ),
    command: sign,
    code: "contract-not-readable",
    place: /contract\.json cohort\.minimum$/u,
    exit: 3,
  },
  {
    what: "a contract that is something else",
    spoil: ({ contractFile }) => fs.writeFileSync(contractFile, "PK\u0003\u0004"),
    command: review,
    code: "contract-not-readable",
    exit: 3,
  },
  {
    what: "a contract of which the site is no member",
    site: { contract: { members: strangers("a", "b", "c") } },
    command: sign,
    code: "contract-not-a-member",
    exit: 3,
  },
  {
    what: "a contract with another key for the site",
    site: { contract: { members: strangers("north", "b", "c") } },
    command: sign,
    code: "contract-other-key",
    exit: 3,
  },
  {
    what: "a contract that knows the site's key under another name",
    site: { contract: { members: [{ ...own(), name: "south" }, ...strangers("b", "c")] } },
    command: review,
    code: "contract-other-key",
    exit: 3,
  },
  {
    what: "a classifier's contract that is not described in full",
    site: { contract: { task: { kind: "classifier", classes: 2 } } },
    command: review,
    code: "contract-task",
    exit: 3,
  },
  {
    what: "a contract with a task that no trainer knows",
    site: { contract: { task: { kind: "regression" } } },
    command: sign,
    code: "contract-task",
    place: /contract test task\.kind$/u,
    exit: 3,
  },
  {
    what: "a contract that asks for a metric nobody can give",
    site: { contract: { metrics: [{ name: "salary", most: 10, resolution: 1 }] } },
    command: sign,
    code: "contract-metric",
    exit: 3,
  },
  {
    what: "a contract about another base model",
    site: { contract: { task: TASK }, config: { model: { folder: "model" } } },
    spoil: (site) => writeModel(site),
    command: sign,
    code: "contract-other-model",
    exit: 3,
  },
  {
    what: "a passphrase that others may read",
    spoil: ({ at }) => fs.chmodSync(at("pass"), 0o644),
    command: sign,
    code: "passphrase-file-open",
    place: /pass$/u,
    exit: 2,
  },
  {
    what: "an identity that is none",
    spoil: ({ at }) => fs.writeFileSync(at("identity.key"), "secret"),
    command: review,
    code: "identity-not-readable",
    place: /identity\.key$/u,
    exit: 2,
  },
  {
    what: "data that is not there",
    site: { config: { data: { type: "jsonl", paths: ["gone.jsonl"] } } },
    command: check,
    code: "data-missing",
    place: /gone\.jsonl$/u,
    exit: 2,
  },
  {
    what: "a glob that matches nothing",
    site: { config: { data: { type: "csv", paths: ["*.csv"] } } },
    command: check,
    code: "data-missing",
    exit: 2,
  },
  {
    what: "data without a row",
    site: { rows: [] },
    command: check,
    code: "data-empty",
    exit: 2,
  },
  {
    what: "data of another shape",
    site: { rows: ['{"body":"a","spam":1}'] },
    command: check,
    code: "data-columns",
    exit: 2,
  },
  {
    what: "CSV that is named as JSON lines",
    site: { rows: ["text,label", "a,1"] },
    command: check,
    code: "data-bad-rows",
    place: /rows\.jsonl:1$/u,
    exit: 2,
  },
  {
    what: "labels beyond the contract's classes",
    site: { rows: ['{"text":"a","label":1}', '{"text":"b","label":2}'], contract: { task: TASK } },
    command: checkAgainst,
    code: "data-bad-rows",
    place: /rows\.jsonl:2$/u,
    exit: 2,
  },
  {
    what: "another number of labels than the contract's classes",
    site: {
      config: { data: { type: "jsonl", paths: ["rows.jsonl"], labels: ["a", "b", "c"] } },
      contract: { task: TASK },
    },
    command: checkAgainst,
    code: "data-labels",
    place: /site\.yaml:\d+:\d+ data\.labels$/u,
    exit: 2,
  },
  {
    what: "marks of verified peers that were damaged",
    spoil: ({ at }) => {
      fs.mkdirSync(at("state"));
      fs.writeFileSync(at("state", "peers.json"), "{}");
    },
    command: review,
    code: "peer-file",
    place: /peers\.json/u,
    exit: 3,
  },
  {
    what: "two sources of a passphrase",
    command: ({ run, config, contractFile, at, pass }) => {
      const request = ["contract", "sign", contractFile, "--config", config, "--out", at("out.json")];
      return run(...request, ...pass, "--passphrase-fd", "5");
    },
    code: "usage-option",
    place: /--passphrase-fd/u,
    exit: 2,
  },
];

describe("bad input is one clear line and a documented exit code, and nothing is lost", () => {
  test.each(CASES)("$what: $code", async ({ site: options, spoil, command, code, place, exit }) => {
    const site = newSite(options);
    spoil?.(site);
    const before = fs.readdirSync(site.at());
    const end = await command(site);
    expect({ code: end.error?.code, exit: end.code }).toEqual({ code, exit });
    if (place !== undefined) expect(end.error!.place).toMatch(place);
    expectOneLine(end);
    expect(fs.readdirSync(site.at())).toEqual(before);
  });
});

test("a base model that is the contract's is no bad input", async () => {
  const site = newSite({ contract: { task: TASK }, config: { model: { folder: "model" } } });
  writeModel(site);
  const digest = bytesToHex(await baseDigest(site.at("model")));
  const base = { ...site.contract.base, digest };
  fs.writeFileSync(site.contractFile, contractBytes({ ...site.contract, base }));
  expect(await review(site)).toMatchObject({ code: 0, error: undefined });
});

function own() {
  return { name: "north", publicKey: bytesToHex(MEMBERS[0]!.signing.publicKey) };
}

function strangers(...names: readonly string[]) {
  return names.map((name) => ({ name, publicKey: bytesToHex(createIdentity(name).signing.publicKey) }));
}

/** Only its digest counts here. */
function writeModel({ at }: TestSite): void {
  fs.mkdirSync(at("model"));
  for (const name of ["config.json", "model.safetensors", "tokenizer.json"])
    fs.writeFileSync(at("model", name), canonicalJson({ name }));
}
