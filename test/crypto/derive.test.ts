import { createHmac } from "node:crypto";
import { Secret, utf8 } from "@bulkhead/base";
import { deriveSecret, randomBytes } from "@bulkhead/crypto";
import { describe, expect, test } from "vitest";
import { DERIVATIONS } from "../vectors/rfc-5869.ts";

const NOTHING = new Uint8Array(0);
const secret = () => new Secret(new Uint8Array(32).fill(7));

describe("HKDF-SHA-256", () => {
  test.each(DERIVATIONS)("gives the output of RFC 5869, $title", ({ secret: input, salt, info, derived }) => {
    const out = deriveSecret({ secret: new Secret(input.slice()), salt, info, length: derived.length });
    expect(out.reveal()).toEqual(derived);
  });

  test("is extract and one expand for 32 bytes", () => {
    const [input, salt, info] = [randomBytes(32), randomBytes(20), randomBytes(9)];
    const extracted = createHmac("sha256", salt).update(input).digest();
    const expanded = createHmac("sha256", extracted).update(info).update(Uint8Array.of(1)).digest();
    expect(deriveSecret({ secret: new Secret(input), salt, info }).reveal()).toEqual(
      new Uint8Array(expanded),
    );
  });

  test("gives 32 bytes unless told otherwise", () => {
    expect(deriveSecret({ secret: secret(), salt: NOTHING, info: NOTHING }).length).toBe(32);
  });

  test("gives unrelated keys for another salt, label or secret", () => {
    const keys = [
      deriveSecret({ secret: secret(), salt: utf8("a"), info: utf8("b") }),
      deriveSecret({ secret: secret(), salt: utf8("a"), info: utf8("c") }),
      deriveSecret({ secret: secret(), salt: utf8("d"), info: utf8("b") }),
      deriveSecret({ secret: new Secret(new Uint8Array(32)), salt: utf8("a"), info: utf8("b") }),
    ];
    expect(new Set(keys.map((key) => key.reveal().join())).size).toBe(4);
  });

  test("leaves its input alone and shares no memory with it", () => {
    const input = secret();
    const derived = deriveSecret({ secret: input, salt: NOTHING, info: NOTHING });
    const before = derived.reveal().slice();
    input.wipe();
    expect(derived.reveal()).toEqual(before);
  });

  test("refuses a wiped secret, a label above 1,024 bytes and an output above 255 hashes", () => {
    const wiped = secret();
    wiped.wipe();
    expect(() => deriveSecret({ secret: wiped, salt: NOTHING, info: NOTHING })).toThrow("wiped");
    expect(() => deriveSecret({ secret: secret(), salt: NOTHING, info: new Uint8Array(1025) })).toThrow(
      "1024",
    );
    const tooLong = { secret: secret(), salt: NOTHING, info: NOTHING, length: 255 * 32 + 1 };
    expect(() => deriveSecret(tooLong)).toThrow("Invalid key length");
  });
});
