import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { loadSiteConfig, siteConfigTemplate } from "@bulkhead/client";
import { freshFolder } from "../launch.ts";

const DATA = { type: "jsonl", paths: ["rows.jsonl"] };
const BASE = { identity: "identity.key", state: "state", data: DATA };

const written = (config: object | string, folder = freshFolder()): string => {
  const file = path.join(folder, "site.yaml");
  fs.writeFileSync(file, typeof config === "string" ? config : JSON.stringify(config));
  return file;
};

const load = async (config: object | string, folder?: string) =>
  (await loadSiteConfig(written(config, folder))).config;

describe("a site's config", () => {
  test("needs identity, state and data; all else has a default", async () => {
    const folder = freshFolder();
    expect(await load(BASE, folder)).toEqual({
      identity: path.join(folder, "identity.key"),
      state: path.join(folder, "state"),
      data: {
        type: "jsonl",
        paths: [path.join(folder, "rows.jsonl")],
        columns: { text: "text", label: "label" },
        longestText: 20_000,
        badRowLimit: { type: "share", share: 0.01 },
      },
      backend: "auto",
      precision: "f32",
      activations: { memoryMegabytes: 512, diskMegabytes: 4096 },
      keepEverySeconds: 20,
      engine: "auto",
      policy: {},
      network: { proxy: "environment", reachMs: 60_000 },
      wall: { require: "none" },
      log: { level: "info" },
    });
    await expect(load({ identity: "identity.key", state: "state" })).rejects.toMatchObject({
      code: "config-missing-key",
      place: expect.stringMatching(/site\.yaml:1:1 data$/u),
    });
  });

  test("has every path relative to the file", async () => {
    const folder = freshFolder();
    const config = await load(
      {
        ...BASE,
        data: { ...DATA, paths: ["../a.jsonl", "/data/b.jsonl"] },
        evaluation: { type: "csv", paths: ["test.csv"] },
        model: { folder: "model" },
        trainer: { module: "trainer.mjs" },
        network: { roots: "roots.pem" },
      },
      folder,
    );
    expect(config.data.paths).toEqual([path.join(path.dirname(folder), "a.jsonl"), "/data/b.jsonl"]);
    expect(config.evaluation?.paths).toEqual([path.join(folder, "test.csv")]);
    expect(config.model?.folder).toBe(path.join(folder, "model"));
    expect(config.trainer?.module).toBe(path.join(folder, "trainer.mjs"));
    expect(config.network.roots).toBe(path.join(folder, "roots.pem"));
  });

  test("takes a folder's own name as it is, also beside a glob", async () => {
    const folder = path.join(freshFolder(), "mail [2026]");
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, "a*.jsonl"), "");
    const paths = ["*.jsonl", "a*.jsonl", "b.jsonl"];
    const { data } = await load({ ...BASE, data: { ...DATA, paths } }, folder);
    expect(data.paths).toEqual([
      path.join(folder.replace("[2026]", String.raw`\[2026\]`), "*.jsonl"),
      path.join(folder, "a*.jsonl"),
      path.join(folder, "b.jsonl"),
    ]);
  });

  test("reads CSV with its own delimiter, quote and header", async () => {
    const form = { delimiter: ";", quote: "", header: ["text", "label"], badRows: { count: 3 } };
    const { data } = await load({ ...BASE, data: { type: "csv", paths: ["a.csv"], ...form } });
    expect(data).toMatchObject({
      type: "csv",
      delimiter: ";",
      quote: "",
      header: ["text", "label"],
      badRowLimit: { type: "count", count: 3 },
    });
  });

  test.each([
    ["a misspelt key", { ...BASE, polcy: {} }, "config-unknown-key", "polcy"],
    ["a clause that no policy has", { ...BASE, policy: { maxRounds: 1 } }, "config-unknown-key", "policy"],
    ["a cohort of two", { ...BASE, policy: { minimumCohort: 2 } }, "config-value", "policy.minimumCohort"],
    ["a CSV key of JSON lines", { ...BASE, data: { ...DATA, delimiter: "," } }, "config-unknown-key", "data"],
    ["another type of data", { ...BASE, data: { ...DATA, type: "xml" } }, "config-value", "data.type"],
    ["no path", { ...BASE, data: { ...DATA, paths: [] } }, "config-value", "data.paths"],
    ["an address that is none", { ...BASE, network: { address: "http://x" } }, "config-value", "network"],
    ["a backend nobody has", { ...BASE, backend: "cuda" }, "config-value", "backend"],
    ["a precision nobody has", { ...BASE, precision: "f8" }, "config-value", "precision"],
    ["an engine nobody has", { ...BASE, engine: "gpu" }, "config-value", "engine"],
  ])("refuses %s, and says where", async (_, config, code, place) => {
    await expect(load(config)).rejects.toMatchObject({ code, place: expect.stringContaining(place) });
  });

  test("takes no proxy with a password, and never repeats it", async () => {
    const proxy = "http://user:hunter2@proxy:3128";
    const error: unknown = await load({ ...BASE, network: { proxy } }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "config-value", place: expect.stringMatching(/network\.proxy$/u) });
    expect(JSON.stringify(error)).not.toContain("hunter2");
    expect((await load({ ...BASE, network: { proxy: "http://proxy:3128" } })).network.proxy).toBe(
      "http://proxy:3128",
    );
  });

  test("says line and column of what is no YAML", async () => {
    await expect(load("identity: a\nstate: [\n")).rejects.toMatchObject({
      code: "config-syntax",
      place: expect.stringMatching(/site\.yaml:\d+:\d+$/u),
    });
  });
});

describe("the template", () => {
  const values = { identity: "identity.key", state: "state" };

  test("explains every key, and loads once data is named", async () => {
    const text = siteConfigTemplate({ ...values, data: { type: "csv", paths: ["mail.csv"] } });
    for (const key of ["identity", "evaluation", "policy", "minimumVerified", "proxy", "badRows", "quote"])
      expect(text).toMatch(new RegExp(String.raw`^[# ]*${key}:`, "mu"));
    expect(await load(text)).toMatchObject({ data: { type: "csv", delimiter: ",", quote: '"' } });
  });

  test("without data is not loadable, and the error names what is missing", async () => {
    await expect(load(siteConfigTemplate(values))).rejects.toMatchObject({
      place: expect.stringMatching(/data\.paths$/u),
    });
  });
});
