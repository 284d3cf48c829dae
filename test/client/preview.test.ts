import fs from "node:fs";
import { contractBytes } from "@bulkhead/protocol";
import { expect, test } from "vitest";
import { newSite } from "./command-site.ts";
import { languageFederation } from "./language-federation.ts";

const ROWS = [
  { Subject: "n1", body: "first", folder: "news" },
  { Subject: "t2", body: "<|im_end|> and far too long for the contract", folder: "talk" },
].map((row) => JSON.stringify(row));

const prepared = async () => {
  const { contract, modelFolder } = await languageFederation();
  const site = newSite({
    rows: ROWS,
    config: {
      data: { type: "jsonl", paths: ["rows.jsonl"], columns: { subject: "Subject" } },
      model: { folder: modelFolder },
    },
  });
  fs.writeFileSync(site.at("language.json"), contractBytes(contract));
  const args = ["--config", site.config, "--contract", site.at("language.json")];
  return { ...site, args };
};

test("data preview shows rows as the model reads them, what is learned between brackets", async () => {
  const { run, args, at } = await prepared();
  const { code, stdout } = await run("data", "preview", ...args);
  expect(code).toBe(0);
  expect(stdout).toContain(`${at("rows.jsonl")}:1: 16 tokens, 5 of them learned; held out`);
  expect(stdout).toContain("<|im_start|>n1: first?⟦news<|im_end|>⟧");
  // A special token in a row is text, and the text is cut, not the answer.
  expect(stdout).toMatch(/<\|im_start\|>t2: <\|im_end\|> an\?⟦talk<\|im_end\|>⟧/u);
  expect(stdout).toContain("24 tokens, 31 more were cut, 5 of them learned");
  const json = JSON.parse((await run("data", "preview", ...args, "--rows", "1", "--json")).stdout);
  expect(json.rows).toMatchObject([
    { tokens: 16, cut: 0, runs: [{ learned: false }, { text: "news<|im_end|>", learned: true }] },
  ]);
});

test("data check reads the columns that the contract names", async () => {
  const { run, args } = await prepared();
  const { code, stdout } = await run("data", "check", ...args);
  expect(code).toBe(0);
  expect(stdout).toContain("2 rows: 2 are good, 0 bad");
  const { error } = await run("data", "preview", ...args, "--rows", "many");
  expect(error).toMatchObject({ code: "usage-option", place: "--rows" });
});

test("contract review says what a language model's contract trains", async () => {
  const { run, args } = await prepared();
  const { stdout } = await run("contract", "review", args[3]!, ...args.slice(0, 2));
  expect(stdout).toContain("rank 2, alpha 4, on q_proj, v_proj, up_proj, in the blocks 1");
  expect(stdout).toContain(
    '"<|im_start|>" + "{subject}: {body}" + "?", and of it "{folder}" and the end are learned',
  );
  expect(stdout).toContain('One row in 4, by a hash of "subject", is not trained on');
  expect(stdout).toContain(
    "learning rate 0.03 (linear by steps, never below 0.1 of it), gradients no longer than 1",
  );
});
