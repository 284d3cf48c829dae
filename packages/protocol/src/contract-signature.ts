/** Signatures under a contract, each a small file of its own, and the file that gathers them with the contract. */
import {
  bytesToHex,
  canonicalJson,
  encodeFields,
  listOf,
  oneOf,
  parseCanonicalJson,
  record,
  text,
  textMatching,
  type TypeOf,
} from "@bulkhead/base";
import { sign, verify, type SigningKeys } from "@bulkhead/crypto";
import { MAX_MEMBERS } from "@bulkhead/secagg";
import { checkContract, type Contract, contractDigest, fieldBytes } from "./contract.ts";

const hex = (bytes: number) =>
  textMatching(new RegExp(`^[0-9a-f]{${2 * bytes}}$`, "u"), `${bytes} bytes in hexadecimal`);

const signatureShape = record({
  format: oneOf("bulkhead-signature/1"),
  contract: hex(32),
  name: text(63),
  publicKey: hex(32),
  signature: hex(64),
});

export type ContractSignature = TypeOf<typeof signatureShape>;

export interface SignedContract {
  readonly contract: Contract;
  readonly signatures: readonly ContractSignature[];
}

const signedBytes = (digest: Uint8Array, name: string): Uint8Array =>
  encodeFields("bulkhead/1 contract signature", digest, name);

/** Signs as the party called `name`, whose key the contract must name. */
export const signContract = (contract: Contract, name: string, signing: SigningKeys): ContractSignature => {
  const digest = contractDigest(contract);
  return {
    format: "bulkhead-signature/1",
    contract: bytesToHex(digest),
    name,
    publicKey: bytesToHex(signing.publicKey),
    signature: bytesToHex(sign(signing.secretKey, signedBytes(digest, name))),
  };
};

export type SignatureProblem = "other-contract" | "not-a-party" | "other-key" | "bad-signature";

/** Why a signature does not count, or `undefined` where it does. */
export const signatureProblem = (
  contract: Contract,
  signature: ContractSignature,
): SignatureProblem | undefined => {
  const digest = contractDigest(contract);
  if (signature.contract !== bytesToHex(digest)) return "other-contract";
  const party = [contract.provider, ...contract.members].find(({ name }) => name === signature.name);
  if (party === undefined) return "not-a-party";
  if (party.publicKey !== signature.publicKey) return "other-key";
  const message = signedBytes(digest, signature.name);
  return verify(fieldBytes(party.publicKey), message, fieldBytes(signature.signature))
    ? undefined
    : "bad-signature";
};

/** The parties whose valid signature is not among `signatures`. */
export const missingSignatures = ({ contract, signatures }: SignedContract): readonly string[] => {
  const valid = new Set(
    signatures
      .filter((signature) => signatureProblem(contract, signature) === undefined)
      .map(({ name }) => name),
  );
  return [contract.provider, ...contract.members].map(({ name }) => name).filter((name) => !valid.has(name));
};

export const readContractSignature = (bytes: Uint8Array): ContractSignature =>
  signatureShape(parseCanonicalJson(bytes));

export const contractSignatureBytes = (signature: ContractSignature): Uint8Array => canonicalJson(signature);

export const signedContractBytes = ({ contract, signatures }: SignedContract): Uint8Array =>
  canonicalJson({ format: "bulkhead-signed-contract/1", contract, signatures });

/** Reads a gathered file; the signatures are not verified here. */
export const readSignedContract = (bytes: Uint8Array): SignedContract => {
  const { contract, signatures } = record({
    format: oneOf("bulkhead-signed-contract/1"),
    contract: checkContract,
    signatures: listOf(signatureShape, MAX_MEMBERS + 1),
  })(parseCanonicalJson(bytes));
  return { contract, signatures };
};
