import { InputError, Secret, utf8, utf8ToText } from "@bulkhead/base";
import { loadConfig, secretText, z } from "@bulkhead/console";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { freshFolder } from "../launch.ts";
import { asOrdinaryUser } from "../ordinary-user.ts";

const schema = z.strictObject({
  coordinator: z.strictObject({
    address: z.url().describe("The coordinator's address"),
    port: z.number().int().min(1).max(65535).default(8470),
  }),
  rounds: z.strictObject({ count: z.number(), localSteps: z.number().optional() }).optional(),
  backend: z.enum(["tensorflow", "wasm"]).default("tensorflow"),
  passphrase: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("terminal") }),
      z.strictObject({ type: z.literal("file"), path: z.string() }),
    ])
    .optional(),
  sources: z.array(z.strictObject({ path: z.string() })).default([]),
  limit: z.union([z.number(), z.strictObject({ share: z.number() })]).optional(),
  token: secretText().optional(),
});

const write = (text: string | Uint8Array): string => {
  const file = join(freshFolder(), "site.yaml");
  writeFileSync(file, text);
  return file;
};

const GOOD = "coordinator:\n  address: wss://example.org\n";

const refusal = async (text: string | Uint8Array): Promise<InputError & { readonly short: string }> => {
  const file = write(text);
  const error = await loadConfig(file, schema).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof InputError)) throw new Error(`expected an InputError, got ${inspect(error)}`);
  return Object.assign(error, { short: error.place.replace(file, "site.yaml") });
};

describe("a config", () => {
  test("is read with its defaults", async () => {
    const { config } = await loadConfig(write(GOOD), schema);
    expect(config).toEqual({
      coordinator: { address: "wss://example.org", port: 8470 },
      backend: "tensorflow",
      sources: [],
    });
  });

  test("keeps its bytes, and tells where a value stands", async () => {
    const file = write(`${GOOD}rounds:\n  count: 8\n`);
    const { bytes, where } = await loadConfig(file, schema);
    expect(utf8ToText(bytes)).toBe(`${GOOD}rounds:\n  count: 8\n`);
    expect(where("rounds", "count")).toBe(`${file}:4:10 rounds.count`);
    expect(where("rounds", "localSteps")).toBe(`${file}:3:1 rounds.localSteps`);
  });

  test("is shown as it is in force, without its secrets", async () => {
    const { config, effective } = await loadConfig(write(`${GOOD}token: hunter2\n`), schema);
    expect(config.token).toBeInstanceOf(Secret);
    expect(utf8ToText(config.token!.reveal())).toBe("hunter2");
    expect(effective()).toContain("port: 8470");
    expect(effective()).toContain("token: <redacted>");
    expect(inspect(config)).not.toContain("hunter2");
  });

  test("may begin with the byte order mark of UTF-8", async () => {
    const { config } = await loadConfig(write(`\uFEFF${GOOD}`), schema);
    expect(config.coordinator.address).toBe("wss://example.org");
  });

  test("whose schema would let a misspelt key pass is a bug of ours", async () => {
    const loose = z.strictObject({ inner: z.array(z.object({ a: z.number() })) });
    await expect(loadConfig(write("inner: []\n"), loose)).rejects.toThrow("config.inner[]");
  });
});

test.each([
  // What a person did, the file after the good part, code, place, problem, cure.
  [
    "a word for a number",
    "rounds:\n  count: many\n",
    "config-value",
    "4:10 rounds.count",
    "expected number, received string",
  ],
  [
    "no value",
    "rounds:\n  count:\n",
    "config-value",
    "4:9 rounds.count",
    "expected number, but the value is empty",
  ],
  [
    "a word of a list",
    "backend: tensorfolw\n",
    "config-value",
    "3:10 backend",
    'expected one of "tensorflow"|"wasm"',
  ],
  [
    "a number in a list item",
    "sources:\n  - path: a\n  - path: 7\n",
    "config-value",
    "5:11 sources[1].path",
    "expected string, received number",
  ],
  [
    "no such variant",
    "passphrase:\n  type: fiel\n",
    "config-value",
    "4:9 passphrase.type",
    "expected 'terminal' | 'file'",
  ],
  [
    "a key of another variant",
    "passphrase:\n  type: terminal\n  path: x\n",
    "config-unknown-key",
    "5:3 passphrase.path",
    "there is no such key",
  ],
  ["none of several forms", "limit: x\n", "config-value", "3:8 limit", "expected number or object"],
  [
    "the wrong part of a form",
    "limit:\n  share: x\n",
    "config-value",
    "4:10 limit.share",
    "expected number, received string",
  ],
  [
    "a misspelt key",
    "rounds:\n  cuont: 8\n",
    "config-unknown-key",
    "4:3 rounds.cuont",
    "there is no such key",
  ],
  ["a missing key", "rounds:\n  localSteps: 8\n", "config-missing-key", "3:1 rounds.count", "it is missing"],
  [
    "the same key twice",
    "backend: wasm\nbackend: wasm\n",
    "config-syntax",
    "4:1",
    "this key stands here a second time",
  ],
  ["a tab", "rounds:\n\tcount: 8\n", "config-syntax", "4:1", "a tab is used to indent"],
  [
    "a colon in a value",
    "backend: a: b\n",
    "config-syntax",
    "3:10",
    "a value has a colon in it, or is indented too far",
  ],
  [
    "an open quote",
    "backend: 'wasm\n",
    "config-syntax",
    "4:1",
    "a quote, bracket or colon is missing before this place",
  ],
  ["two documents", "---\nbackend: wasm\n", "config-syntax", "3:1", "a second document begins here"],
  ["an alias", "backend: *w\n", "config-syntax", "3:10", "an alias (*name) stands here"],
  ["a tag", "backend: !js wasm\n", "config-syntax", "3:10", "a tag (!name) is not known here"],
  ["a number as key", "7: wasm\n", "config-unknown-key", "3:1 7", "there is no such key"],
])("a config with %s is refused with file, line, column and key", async (...row) => {
  const [, text, code, place, problem] = row;
  const error = await refusal(GOOD + text);
  expect({ code: error.code, place: error.short, problem: error.problem }).toEqual({
    code,
    place: `site.yaml:${place}`,
    problem,
  });
});

describe("the cure", () => {
  test.each([
    ["rounds:\n  cuont: 8\n  count: 8\n", 'did you mean "count"?'],
    ["rounds:\n  local_steps: 8\n  count: 8\n", 'did you mean "localSteps"?'],
    ["rounds:\n  momentum: 8\n  count: 8\n", "keys that can stand here: count, localSteps"],
  ])("for an unknown key names the one that was meant, or all", async (text, cure) => {
    expect((await refusal(GOOD + text)).cure).toBe(cure);
  });

  test("says what the key is", async () => {
    expect((await refusal("coordinator:\n  address: 7\n")).cure).toBe(
      "correct it: address is the coordinator's address",
    );
  });

  test("lists the other places that are wrong, misspelt keys first", async () => {
    const error = await refusal("coordinator:\n  adress: wss://x\nbackend: x\nsources: 7\n");
    expect(error).toMatchObject({ code: "config-unknown-key" });
    expect(error.cure).toMatch(
      /^did you mean "address"\?; also wrong: .*:3:10 backend, .*:4:10 sources, .*:1:1 coordinator.address$/u,
    );
  });
});

describe("a config file", () => {
  test("that is missing, a folder or unreadable says so", async () => {
    const folder = freshFolder();
    const file = join(folder, "site.yaml");
    await expect(loadConfig(file, schema)).rejects.toMatchObject({ code: "config-missing", place: file });
    mkdirSync(file);
    await expect(loadConfig(file, schema)).rejects.toMatchObject({
      code: "config-not-readable",
      problem: "it is a folder",
    });
  });

  test("that is a named pipe is refused at once, whether or not somebody will write to it", async () => {
    const pipe = join(freshFolder(), "site.yaml");
    execFileSync("mkfifo", [pipe]);
    await expect(loadConfig(pipe, schema)).rejects.toMatchObject({
      code: "config-not-readable",
      place: pipe,
      problem: "it is a named pipe",
    });
  });

  test("that this user may not read says so", async () => {
    const file = write(GOOD);
    chmodSync(join(file, ".."), 0o755);
    chmodSync(file, 0);
    await expect(asOrdinaryUser(() => loadConfig(file, schema))).rejects.toMatchObject({
      code: "config-not-readable",
    });
  });

  test.each([
    ["UTF-16", new Uint8Array([0xff, 0xfe, 0x61, 0]), "site.yaml", "it is written in UTF-16"],
    [
      "Latin-1",
      new Uint8Array([...utf8("a: \uFFFD\nb: c"), 0xe9, ...utf8("x\n")]),
      "site.yaml:2:5",
      "a byte here is not UTF-8",
    ],
    ["NUL bytes", utf8("a: 1\nb: \0\n"), "site.yaml:2:4", "it has a NUL byte"],
  ])("in %s is refused with its place", async (_, bytes, place, problem) => {
    const error = await refusal(bytes);
    expect(error).toMatchObject({
      code: "config-encoding",
      short: place,
      problem,
      cure: "save the file as UTF-8",
    });
  });

  test("that is endless is refused without reading it all", async () => {
    await expect(loadConfig("/dev/zero", schema)).rejects.toMatchObject({ code: "config-too-long" });
  });

  test.each(["", "# nothing yet\n", "- a\n", "word\n"])("with %j for content is refused", async (text) => {
    expect((await refusal(text)).code).toBe("config-value");
  });
});

test("no error repeats the value of anything, so none can show a secret", async () => {
  const secret = "hunter2";
  for (const text of [
    `token: [${secret}]\n`,
    `token: ${secret}: x\n`,
    `token: "${secret}\n`,
    `token: '${secret}' ${secret}\n`,
    `token: !${secret} x\n`,
    `token: *${secret}\n`,
    `token: @${secret}\n`,
    `token: |${secret}\n  x\n`,
    `backend: ${secret}\n`,
    `coordinator: ${secret}\n`,
    `limit: ${secret}\n`,
    `} ${secret}\n`,
  ]) {
    const { code, place, problem, cure } = await refusal(GOOD.replace("example", "host") + text);
    expect(`${code} ${place} ${problem} ${cure}`).not.toContain(secret);
  }
});

test("a key that would act on a terminal is written out", async () => {
  const error = await refusal(`${GOOD}"\\e[31mred": 1\n`);
  expect(error.short).toBe("site.yaml:3:1 \\u{1b}[31mred");
});
