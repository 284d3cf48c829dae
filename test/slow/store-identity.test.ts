import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesToHex, InputError, Secret, utf8 } from "@bulkhead/base";
import { sealIdentity } from "@bulkhead/crypto";
import {
  createIdentityFile,
  openIdentityFile,
  publicIdentityBytes,
  readIdentityHeader,
  readPublicIdentity,
} from "@bulkhead/store";
import { describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "identities-"));
const passphrase = (text = "correct horse") => new Secret(utf8(text));
const codeOf = async (action: Promise<unknown>): Promise<string> => {
  const error: unknown = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof InputError)) throw new Error("expected bad input", { cause: error });
  return error.code;
};

describe("an identity file", () => {
  test("opens under its passphrase alone, and is never overwritten", async () => {
    const path = join(folder, "north.key");
    const made = await createIdentityFile(path, "north", passphrase());
    const opened = await openIdentityFile(path, passphrase());
    expect(opened.name).toBe("north");
    expect(bytesToHex(opened.siteSecret.reveal())).toBe(bytesToHex(made.siteSecret.reveal()));
    const cheap = join(folder, "cheap.key");
    writeFileSync(cheap, sealIdentity(made, passphrase(), { logN: 10, r: 1, p: 1 }));
    expect(await codeOf(openIdentityFile(cheap, passphrase("wrong")))).toBe("passphrase-wrong");
    const before = readFileSync(path);
    expect(await codeOf(createIdentityFile(path, "south", passphrase()))).toBe("identity-exists");
    expect(readFileSync(path)).toEqual(before);
    expect(await readIdentityHeader(path)).toEqual({ name: "north", publicKey: made.signing.publicKey });
  });

  test("that is none says so", async () => {
    const path = join(folder, "none.key");
    writeFileSync(path, "hello");
    expect(await codeOf(openIdentityFile(path, passphrase()))).toBe("identity-not-readable");
    expect(await codeOf(readIdentityHeader(path))).toBe("identity-not-readable");
  });
});

describe("a public identity", () => {
  const publicKey = new Uint8Array(32).fill(7);

  test("comes back as it was written, also with a line end behind it", async () => {
    const bytes = publicIdentityBytes({ name: "north", publicKey });
    for (const [name, end] of [
      ["plain", ""],
      ["lf", "\n"],
      ["crlf", "\r\n"],
    ] as const) {
      const path = join(folder, `${name}.json`);
      writeFileSync(path, Buffer.concat([bytes, utf8(end)]));
      expect(await readPublicIdentity(path)).toEqual({ name: "north", publicKey });
    }
  });

  test.each([
    ["no JSON", "north"],
    ["a short key", `{"format":"bulkhead-identity/1","name":"n","publicKey":"00"}`],
    [
      "a name that does not show",
      `{"format":"bulkhead-identity/1","name":"a\u200Db","publicKey":"${"00".repeat(32)}"}`,
    ],
    ["another format", `{"format":"bulkhead-identity/2","name":"n","publicKey":"${"00".repeat(32)}"}`],
  ])("with %s is refused", async (_, content) => {
    const path = join(folder, "bad.json");
    writeFileSync(path, content);
    expect(await codeOf(readPublicIdentity(path))).toBe("identity-not-readable");
  });
});
