import { scryptSync } from "node:crypto";
import { bytesToHex, concatBytes, InputError, Secret, utf8 } from "@bulkhead/base";
import {
  createIdentity,
  type Identity,
  identityOfFile,
  openIdentity,
  randomBytes,
  sealIdentity,
  sha256,
  sign,
  signingKeys,
  verify,
} from "@bulkhead/crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { slowSecretbox } from "../reference/secretbox.ts";

const passphrase = (text = "correct horse battery staple") => new Secret(utf8(text));
const IDENTITY = createIdentity("North Bank");

interface Written {
  readonly format?: string;
  readonly name?: string;
  readonly publicKey?: Uint8Array;
  readonly cost?: readonly [logN: number, r: number, p: number];
  readonly passphrase?: string;
  /** What stands in the box instead of the hash of the header. */
  readonly boxedHash?: Uint8Array;
}

/** The three bytes of cost behind format, name and key. */
const isCost = (byte: number): boolean => byte >= 69 && byte < 72;

const behindLength = (text: string): Uint8Array => {
  const bytes = utf8(text);
  return Uint8Array.from([0, 0, 0, bytes.length, ...bytes]);
};

/** The file format written down a second time, from nothing but primitives, at a cost that suits a test. */
const writeFile = (identity: Identity, written: Written = {}): Uint8Array => {
  const [logN, r, p] = written.cost ?? [10, 1, 1];
  const salt = randomBytes(32);
  const header = concatBytes(
    behindLength(written.format ?? "bulkhead/1 identity"),
    behindLength(written.name ?? identity.name),
    written.publicKey ?? identity.signing.publicKey,
    Uint8Array.of(logN, r, p),
    salt,
  );
  const secrets = [identity.signing.secretKey.reveal(), identity.siteSecret.reveal()];
  const boxed = concatBytes(written.boxedHash ?? sha256(header), ...secrets);
  const bearable = logN <= 12 && logN > 0 && r > 0 && p > 0;
  const options = bearable ? { N: 2 ** logN, r, p } : { N: 2, r: 1, p: 1 };
  const key = scryptSync(utf8(written.passphrase ?? "correct horse battery staple"), salt, 32, options);
  return concatBytes(header, slowSecretbox(new Uint8Array(key), new Uint8Array(24), boxed));
};

const problemOf = (file: Uint8Array): string => {
  const opened = openIdentity(file, passphrase());
  return opened.type === "not-an-identity-file" ? opened.problem : opened.type;
};

describe("a sealed identity", () => {
  // At the cost at which the product seals each opening would take half a second.
  const file = sealIdentity(IDENTITY, passphrase(), { logN: 10, r: 1, p: 1 });

  test("opens again under its passphrase, and under no other", () => {
    const opened = openIdentity(file, passphrase());
    if (opened.type !== "opened") throw new Error(opened.type);
    expect(opened.identity.name).toBe("North Bank");
    expect(opened.identity.signing.publicKey).toEqual(IDENTITY.signing.publicKey);
    expect(opened.identity.siteSecret.reveal()).toEqual(IDENTITY.siteSecret.reveal());
    const signature = sign(opened.identity.signing.secretKey, utf8("m"));
    expect(verify(IDENTITY.signing.publicKey, utf8("m"), signature)).toBe(true);
    expect(openIdentity(file, passphrase("Correct horse battery staple"))).toEqual({
      type: "wrong-passphrase",
    });
  });

  test("shows name and public key without the passphrase", () => {
    expect(identityOfFile(file)).toEqual({ name: "North Bank", publicKey: IDENTITY.signing.publicKey });
  });

  test("contains no secret in the clear, and asks for scrypt with N = 2^17, r = 8, p = 1", () => {
    const sealed = sealIdentity(IDENTITY, passphrase());
    for (const secret of [IDENTITY.signing.secretKey, IDENTITY.siteSecret])
      for (let at = 0; at + 8 <= 32; at++)
        expect(bytesToHex(sealed)).not.toContain(bytesToHex(secret.reveal().subarray(at, at + 8)));
    const costAt = 4 + 19 + 4 + 10 + 32;
    expect([...sealed.subarray(costAt, costAt + 3)]).toEqual([17, 8, 1]);
  });

  test("is sealed at no cost that could not be read again", () => {
    expect(() => sealIdentity(IDENTITY, passphrase(), { logN: 9, r: 8, p: 1 })).toThrow("broken invariant");
  });

  test("does not take an empty passphrase", () => {
    expect(() => sealIdentity(IDENTITY, passphrase(""))).toThrow(InputError);
  });
});

describe("the format of the file", () => {
  test("is what an independent writer writes", () => {
    const opened = openIdentity(writeFile(IDENTITY), passphrase());
    if (opened.type !== "opened") throw new Error(opened.type);
    expect(opened.identity.siteSecret.reveal()).toEqual(IDENTITY.siteSecret.reveal());
    expect(openIdentity(writeFile(IDENTITY, { passphrase: "other" }), passphrase()).type).toBe(
      "wrong-passphrase",
    );
  });

  test("has no room for another version", () => {
    const file = writeFile(IDENTITY, { format: "bulkhead/2 identity" });
    expect(problemOf(file)).toBe("it is not in the format bulkhead/1 identity");
    expect(identityOfFile(file)).toBeUndefined();
  });

  test.each([
    ["N = 2^9", [9, 8, 1]],
    ["N = 2^63, more memory than there is", [63, 8, 1]],
    ["512 MiB", [19, 8, 1]],
    ["r = 0", [14, 0, 1]],
    ["p = 0", [14, 8, 0]],
    ["hours of work", [17, 8, 255]],
  ] as const)("is refused before any work where it asks for %s", (_, cost) => {
    const started = performance.now();
    expect(problemOf(writeFile(IDENTITY, { cost }))).toBe("its scrypt parameters are out of range");
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test("is refused with a name that does not show", () => {
    expect(problemOf(writeFile(IDENTITY, { name: "North\u202EBank" }))).toBe(
      "its name has characters that do not show",
    );
  });
});

describe("an altered file", () => {
  test("with another name, another key or another header hash does not open", () => {
    const other = signingKeys(new Secret(randomBytes(32))).publicKey;
    const file = writeFile(IDENTITY);
    const renamed = file.slice();
    renamed[4 + 19 + 4] = 0x4d;
    const rekeyed = file.slice();
    rekeyed.set(other, 4 + 19 + 4 + 10);
    expect(identityOfFile(renamed)?.name).toBe("Morth Bank");
    expect(problemOf(renamed)).toBe("its header was altered");
    expect(problemOf(rekeyed)).toBe("its header was altered");
    expect(problemOf(writeFile(IDENTITY, { boxedHash: randomBytes(32) }))).toBe("its header was altered");
    expect(problemOf(writeFile(IDENTITY, { publicKey: other }))).toBe("its header was altered");
  });

  test("that is cut, longer or empty is no identity file", () => {
    const file = writeFile(IDENTITY);
    for (let length = 0; length < file.length; length++) {
      expect(identityOfFile(file.slice(0, length))).toBeUndefined();
      expect(problemOf(file.slice(0, length))).toMatch(/^it is damaged or of another kind \([^\n]*\)$/u);
    }
    expect(identityOfFile(concatBytes(file, Uint8Array.of(0)))).toBeUndefined();
  });

  test("never opens, whichever bit was flipped", () => {
    const file = writeFile(IDENTITY);
    fc.assert(
      // A flip in the cost asks for other work, up to 256 MiB of it: what is refused there has tests of its own.
      fc.property(
        fc.nat(8 * file.length - 1).filter((bit) => !isCost(bit >> 3)),
        (bit) => {
          const flipped = file.slice();
          flipped[bit >> 3]! ^= 1 << (bit & 7);
          expect(openIdentity(flipped, passphrase()).type).not.toBe("opened");
        },
      ),
      { numRuns: 150 },
    );
  });
});
