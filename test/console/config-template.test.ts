import { Secret, utf8 } from "@bulkhead/base";
import { loadConfig, renderConfigTemplate, secretText, z } from "@bulkhead/console";
import fc from "fast-check";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";

const schema = z.strictObject({
  name: z.string().describe("The site's name, as the contract has it."),
  listen: z
    .strictObject({
      host: z.string().default("0.0.0.0").describe("The address to listen on."),
      port: z.number().int().describe("The port to listen on."),
    })
    .describe("Where members reach the coordinator."),
  backend: z.enum(["tensorflow", "wasm"]).default("tensorflow").describe("What computes."),
  passphrase: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("terminal") }),
      z.strictObject({ type: z.literal("file"), path: z.string().describe("Readable by its owner alone.") }),
    ])
    .describe("Where the passphrase of the identity comes from."),
  files: z.array(z.string()).default([]).describe("Files and globs."),
  proxy: secretText().optional().describe("The proxy's address with its password."),
});

test("a template documents every key, sets what is known and leaves the rest as comments", () => {
  const text = renderConfigTemplate(schema, {
    title: "The config of a site.\nSee the README.",
    values: { name: "clinic: north", passphrase: { type: "file", path: "./pass" }, files: ["mail/*.jsonl"] },
  });
  expect(text).toBe(`# The config of a site.
# See the README.

# The site's name, as the contract has it.
name: "clinic: north"

# Where members reach the coordinator.
listen:
  # The address to listen on.
  # host: 0.0.0.0
  # The port to listen on.
  port:

# What computes. (one of tensorflow, wasm)
# backend: tensorflow

# Where the passphrase of the identity comes from. (type is one of terminal, file)
passphrase:
  type: file
  # Readable by its owner alone.
  path: ./pass

# Files and globs.
files:
  - mail/*.jsonl

# The proxy's address with its password. (optional)
# proxy:
`);
});

test("a template that lacks a required value is refused by that key when it is loaded", async () => {
  const file = join(freshFolder(), "site.yaml");
  writeFileSync(
    file,
    renderConfigTemplate(schema, { title: "x", values: { name: "a", passphrase: { type: "terminal" } } }),
  );
  await expect(loadConfig(file, schema)).rejects.toMatchObject({
    code: "config-value",
    place: `${file}:11:8 listen.port`,
    problem: "expected number, but the value is empty",
  });
});

test("what a template was given is what loading it gives, whatever the values are", async () => {
  const values = fc.record({
    name: fc.string({ unit: "grapheme", minLength: 1 }),
    listen: fc.record({ host: fc.string(), port: fc.integer() }),
    backend: fc.constantFrom("tensorflow", "wasm"),
    passphrase: fc.oneof(
      fc.record({ type: fc.constant("terminal") }),
      fc.record({ type: fc.constant("file"), path: fc.string() }),
    ),
    files: fc.array(fc.string(), { minLength: 1 }),
  });
  const file = join(freshFolder(), "site.yaml");
  await fc.assert(
    fc.asyncProperty(values, async (given) => {
      writeFileSync(file, renderConfigTemplate(schema, { title: "x", values: given }));
      expect((await loadConfig(file, schema)).config).toEqual(given);
    }),
    { numRuns: 50 },
  );
});

test("a secret is never written into a template", () => {
  const values = { proxy: new Secret(utf8("hunter2")) };
  expect(() => renderConfigTemplate(schema, { title: "x", values })).toThrow("a secret is not written");
});
