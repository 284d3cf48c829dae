import { inspect } from "node:util";
import { bytesToHex, InputError, utf8 } from "@bulkhead/base";
import { createIdentity, isIdentityName, LONGEST_NAME, sign, verify } from "@bulkhead/crypto";
import { describe, expect, test } from "vitest";

describe("a new identity", () => {
  test("signs under its public key, and is no other's", () => {
    const [one, two] = [createIdentity("North Bank"), createIdentity("North Bank")];
    const message = utf8("advert");
    const signature = sign(one.signing.secretKey, message);
    expect(verify(one.signing.publicKey, message, signature)).toBe(true);
    expect(verify(two.signing.publicKey, message, signature)).toBe(false);
    expect(one.siteSecret.reveal()).not.toEqual(two.siteSecret.reveal());
    expect(one.siteSecret.reveal()).not.toEqual(one.signing.secretKey.reveal());
  });

  test("prints its name and public key, and no secret", () => {
    const identity = createIdentity("North Bank");
    const secrets = [identity.signing.secretKey, identity.siteSecret].map((secret) => secret.reveal());
    for (const text of [inspect(identity, { depth: 9, showHidden: true }), JSON.stringify(identity)]) {
      expect(text).toContain("North Bank");
      for (const secret of secrets) {
        expect(text).not.toContain(bytesToHex(secret));
        expect(text).not.toContain(secret.slice(0, 4).join(","));
        expect(text).not.toContain(secret.slice(0, 4).join(", "));
      }
    }
  });
});

describe("the name of an identity", () => {
  test.each(["A", "Müller & Söhne GmbH", "株式会社 北", "O'Reilly (Dublin) 2", "x".repeat(LONGEST_NAME)])(
    "may be %s",
    (name) => {
      expect(isIdentityName(name)).toBe(true);
      expect(createIdentity(name).name).toBe(name);
    },
  );

  test.each([
    ["empty", ""],
    ["with a space before it", " A"],
    ["with a space behind it", "A "],
    ["of two lines", "A\nB"],
    ["with a terminal escape", "A\u001B[2J"],
    ["with a zero byte", "A\u0000"],
    ["with an invisible character", "A\u200BB"],
    ["with reversed text", "A\u202EB"],
    ["with a line separator", "A\u2028B"],
    ["with half a surrogate pair", "A\uD800"],
    ["with a decomposed umlaut", "Mu\u0308ller"],
    ["of too many bytes", "ä".repeat(LONGEST_NAME / 2 + 1)],
  ])("may not be %s", (_, name) => {
    expect(isIdentityName(name)).toBe(false);
    expect(() => createIdentity(name)).toThrow(InputError);
    expect(() => createIdentity(name)).toThrow(/^identity name: [^\n]*$/u);
  });
});
