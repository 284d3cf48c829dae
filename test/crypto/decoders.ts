/** Every function of `crypto` that meets bytes from outside, and what it must do with any of them. */
import { concatBytes, Secret, utf8 } from "@bulkhead/base";
import {
  agree,
  identityOfFile,
  merkleTree,
  open,
  openIdentity,
  openOnce,
  seal,
  sealOnce,
  sign,
  signingKeys,
  verify,
  verifyMerklePath,
} from "@bulkhead/crypto";
import fc from "fast-check";
import type { Decoder } from "../base/decoders.ts";
import { mutated } from "../base/mutated.ts";

const secret = (first: number) => new Secret(new Uint8Array(32).fill(first));
const NONCE = new Uint8Array(12);
const MESSAGE = utf8("roster");
const KEYS = signingKeys(secret(1));
const SIGNATURE = sign(KEYS.secretKey, MESSAGE);
const SEALED = seal(secret(2), NONCE, utf8("plaintext"), MESSAGE);
const BOXED = sealOnce(secret(3), utf8("share"));
const TREE = merkleTree([0, 1, 2, 3, 4, 5, 6].map((leaf) => Uint8Array.of(leaf)));
const PATH = concatBytes(...TREE.path(4));

const HEADER = concatBytes(
  Uint8Array.of(0, 0, 0, 19),
  utf8("bulkhead/1 identity"),
  Uint8Array.of(0, 0, 0, 5),
  utf8("North"),
  KEYS.publicKey,
  Uint8Array.of(10, 1, 1),
  new Uint8Array(32),
);
const IDENTITY_FILE = concatBytes(HEADER, new Uint8Array(112));

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Only the one true input is taken: everything else is a forgery that succeeded. */
const takesOnly = (
  truth: Uint8Array,
  accepts: (bytes: Uint8Array) => boolean,
): Pick<Decoder, "input" | "takes"> => ({
  input: mutated(fc.constant(truth)),
  takes: (bytes) => {
    const taken = accepts(bytes);
    if (taken !== same(bytes, truth)) throw new Error(taken ? "took a forgery" : "refused what is true");
    return taken;
  },
});

const pieces = (bytes: Uint8Array, length: number): readonly Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) =>
    bytes.slice(i * length, (i + 1) * length),
  );

export const CRYPTO_DECODERS: readonly Decoder[] = [
  {
    name: "open",
    ...takesOnly(SEALED, (bytes) => open(secret(2), NONCE, bytes, MESSAGE) !== undefined),
  },
  { name: "openOnce", ...takesOnly(BOXED, (bytes) => openOnce(secret(3), bytes) !== undefined) },
  {
    name: "verifyMerklePath",
    ...takesOnly(PATH, (bytes) =>
      verifyMerklePath(TREE.root, Uint8Array.of(4), { index: 4, size: 7 }, pieces(bytes, 32)),
    ),
  },
  {
    name: "identityOfFile",
    input: mutated(fc.constant(IDENTITY_FILE)),
    takes: (bytes) => identityOfFile(bytes) !== undefined,
  },
];

/** As above, but each input costs a millisecond or a tenth of one. */
export const SLOW_CRYPTO_DECODERS: readonly Decoder[] = [
  {
    name: "verify, the signature",
    ...takesOnly(SIGNATURE, (bytes) => verify(KEYS.publicKey, MESSAGE, bytes)),
  },
  { name: "verify, the key", ...takesOnly(KEYS.publicKey, (bytes) => verify(bytes, MESSAGE, SIGNATURE)) },
  {
    name: "agree",
    input: mutated(fc.constant(KEYS.publicKey)),
    takes: (bytes) => {
      const shared = agree(secret(4), bytes);
      if (shared !== undefined && bytes.length !== 32) throw new Error("took a key of wrong length");
      if (shared?.reveal().every((byte) => byte === 0) === true) throw new Error("gave the zero secret");
      return shared !== undefined;
    },
  },
  {
    name: "openIdentity",
    // The header as it is: a mutated cost would ask for a mutated amount of work.
    input: mutated(fc.constant(IDENTITY_FILE.slice(HEADER.length))).map((box) => concatBytes(HEADER, box)),
    takes: (bytes) => {
      const { type } = openIdentity(bytes, new Secret(utf8("a")));
      if (type === "opened") throw new Error("took a forgery");
      return type === "wrong-passphrase";
    },
  },
];
