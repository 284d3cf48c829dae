import fs from "node:fs";
import { createIdentity } from "@bulkhead/crypto";
import {
  expectAllSigned,
  readAnyContractFile,
  readContractFile,
  readSignatureFile,
  readSignedContractFile,
  signatureFindings,
} from "@bulkhead/party";
import { contractBytes, contractSignatureBytes, signContract, signedContractBytes } from "@bulkhead/protocol";
import { describe, expect, test } from "vitest";
import { newFederation } from "../coordinator/federation.ts";
import { freshFolder } from "../launch.ts";

describe("signatures", () => {
  test("are found one by one: who has signed, who has not, who signed something else", () => {
    const { contract, provider, members } = newFederation();
    const other = { ...contract, purpose: "Something else" };
    const signatures = [
      signContract(contract, "provider", provider.signing),
      signContract(other, "site-1", members[0]!.signing),
      signContract(contract, "site-2", createIdentity("site-2").signing),
      signContract(contract, "stranger", members[2]!.signing),
    ];
    expect(signatureFindings({ contract, signatures })).toEqual([
      { name: "provider", problem: undefined },
      { name: "site-1", problem: "other-contract" },
      { name: "site-2", problem: "other-key" },
      { name: "site-3", problem: "missing" },
      { name: "stranger", problem: "not-a-party" },
    ]);
    expect(() => expectAllSigned({ contract, signatures }, "here")).toThrow(
      expect.objectContaining({ code: "contract-unsigned", place: "here" }),
    );
  });

  test("count when one of several by the same party holds", () => {
    const { contract, provider, members, signed } = newFederation();
    const stale = signContract({ ...contract, purpose: "Earlier" }, "site-1", members[0]!.signing);
    const own = signContract(contract, provider.name, provider.signing);
    const signatures = [stale, ...signed.signatures, own];
    expect(() => expectAllSigned({ contract, signatures }, "here")).not.toThrow();
  });
});

describe("contract files", () => {
  const written = (bytes: Uint8Array | string): string => {
    const file = `${freshFolder()}/file.json`;
    fs.writeFileSync(file, bytes);
    return file;
  };

  test("are read back as they were written: a draft, a signature, and both gathered", async () => {
    const { contract, signed } = newFederation();
    const [signature] = signed.signatures;
    expect(await readContractFile(written(contractBytes(contract)))).toEqual(contract);
    expect(await readSignatureFile(written(contractSignatureBytes(signature!)))).toEqual(signature);
    expect(await readAnyContractFile(written(signedContractBytes(signed)))).toEqual(signed);
    const draft = written(contractBytes(contract));
    expect(await readAnyContractFile(draft)).toEqual({ contract, signatures: [] });
  });

  test("that are a draft yet are no signed contract, and are told where that comes from", async () => {
    const { contract, signed } = newFederation();
    const draft = written(contractBytes(contract));
    await expect(readSignedContractFile(draft)).rejects.toMatchObject({
      code: "contract-unsigned",
      place: draft,
      cure: expect.stringContaining("contract gather"),
    });
    expect(await readSignedContractFile(written(signedContractBytes(signed)))).toEqual(signed);
  });

  test("name the field that is wrong, and never what stood there", async () => {
    const { contract } = newFederation();
    const json = new TextDecoder().decode(contractBytes(contract));
    const wrong = written(json.replace('"job":"test"', '"job":"Private Job"'));
    const error: unknown = await readContractFile(wrong).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "contract-not-readable", place: `${wrong} job` });
    expect(String(error)).not.toContain("Private");
    await expect(readSignatureFile(written("{}"))).rejects.toMatchObject({
      code: "contract-not-readable",
      place: expect.stringContaining("format"),
    });
    await expect(readContractFile(written(`${json} `))).rejects.toMatchObject({
      code: "contract-not-readable",
    });
  });

  test("are bounded", async () => {
    await expect(readSignatureFile(written("x".repeat(5000)))).rejects.toMatchObject({
      code: "file-too-large",
    });
  });
});
