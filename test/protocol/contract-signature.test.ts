import { ShapeError, utf8 } from "@bulkhead/base";
import { bytesToHex } from "@bulkhead/base";
import { type SigningKeys, signingKeys } from "@bulkhead/crypto";
import {
  checkContract,
  contractSignatureBytes,
  missingSignatures,
  readContractSignature,
  readSignedContract,
  signatureProblem,
  signContract,
  signedContractBytes,
} from "@bulkhead/protocol";
import { federation, SeededRandom } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";

const people = federation("signatures", { members: 3 });
const { contract } = people.job;
const keysOf = (secret: SigningKeys["secretKey"]): SigningKeys => signingKeys(secret);
const provider = keysOf(people.providerKey);
const members = [...people.signingKeys.values()].map(keysOf);

const signature = signContract(contract, "site-1", members[0]!);
const all = [
  signContract(contract, "provider", provider),
  ...members.map((keys, i) => signContract(contract, `site-${i + 1}`, keys)),
];

describe("a signature under a contract", () => {
  test("counts where the party that it names gave it", () => {
    for (const one of all) expect(signatureProblem(contract, one)).toBeUndefined();
    expect(missingSignatures({ contract, signatures: all })).toEqual([]);
  });

  test("does not count under another contract, by a stranger, with another key, or altered", () => {
    const other = checkContract({ ...contract, purpose: "Another." });
    expect(signatureProblem(other, signature)).toBe("other-contract");
    expect(signatureProblem(contract, { ...signature, name: "site-9" })).toBe("not-a-party");
    expect(signatureProblem(contract, { ...signature, name: "site-2" })).toBe("other-key");
    const stranger = signingKeys(new SeededRandom("stranger").secret());
    expect(signatureProblem(contract, signContract(contract, "site-1", stranger))).toBe("other-key");
    const claimed = {
      ...signContract(contract, "site-1", stranger),
      publicKey: bytesToHex(members[0]!.publicKey),
    };
    expect(signatureProblem(contract, claimed)).toBe("bad-signature");
    const flipped = `${signature.signature.startsWith("0") ? "1" : "0"}${signature.signature.slice(1)}`;
    expect(signatureProblem(contract, { ...signature, signature: flipped })).toBe("bad-signature");
  });

  test("of one party is not that of another of the same key, since the name is signed too", () => {
    const renamed = checkContract({
      ...contract,
      members: contract.members.map((one, i) => (i === 0 ? { ...one, name: "other" } : one)),
    });
    const moved = {
      ...signature,
      contract: signContract(renamed, "other", members[0]!).contract,
      name: "other",
    };
    expect(signatureProblem(renamed, moved)).toBe("bad-signature");
  });

  test("that does not count is a signature that is missing", () => {
    const other = signContract(checkContract({ ...contract, purpose: "Another." }), "site-1", members[0]!);
    expect(
      missingSignatures({ contract, signatures: [...all.filter(({ name }) => name !== "site-1"), other] }),
    ).toEqual(["site-1"]);
    expect(missingSignatures({ contract, signatures: [] })).toEqual([
      "provider",
      "site-1",
      "site-2",
      "site-3",
    ]);
  });
});

describe("the files", () => {
  test("are read as they were written", () => {
    expect(readContractSignature(contractSignatureBytes(signature))).toEqual(signature);
    expect(readSignedContract(signedContractBytes({ contract, signatures: all }))).toEqual({
      contract,
      signatures: all,
    });
  });

  test("are refused in another form", () => {
    expect(() => readContractSignature(utf8("{}"))).toThrow(ShapeError);
    expect(() => readSignedContract(contractSignatureBytes(signature))).toThrow(ShapeError);
    expect(() => readSignedContract(utf8("not JSON"))).toThrow(ShapeError);
  });
});
