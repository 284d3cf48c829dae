/** The files around a contract: the draft, each party's signature, and the two gathered. */
import { InputError, ShapeError } from "@bulkhead/base";
import {
  type Contract,
  type ContractSignature,
  readContract,
  readContractSignature,
  readSignedContract,
  type SignatureProblem,
  signatureProblem,
  type SignedContract,
} from "@bulkhead/protocol";
import { readFileBounded } from "@bulkhead/store";

const LONGEST_CONTRACT = 4 << 20;
const LONGEST_SIGNATURE = 4096;

/** A draft. Throws an {@link InputError} `contract-not-readable` that names the field. */
export const readContractFile = async (path: string): Promise<Contract> =>
  read(path, LONGEST_CONTRACT, readContract);

export const readSignatureFile = async (path: string): Promise<ContractSignature> =>
  read(path, LONGEST_SIGNATURE, readContractSignature);

/** A gathered contract; the signatures are not verified here. A draft is refused as `contract-unsigned`. */
export const readSignedContractFile = async (path: string): Promise<SignedContract> =>
  read(path, LONGEST_CONTRACT, (bytes) => {
    if (isDraft(bytes)) throw unsignedDraft(path);
    return readSignedContract(bytes);
  });

/** A draft or a gathered contract. */
export const readAnyContractFile = async (path: string): Promise<SignedContract> => {
  try {
    return await read(path, LONGEST_CONTRACT, readSignedContract);
  } catch (error) {
    if (!(error instanceof InputError) || error.code !== "contract-not-readable") throw error;
    return { contract: await readContractFile(path), signatures: [] };
  }
};

const read = async <T>(path: string, longest: number, parse: (bytes: Uint8Array) => T): Promise<T> => {
  const bytes = await readFileBounded(path, longest);
  try {
    return parse(bytes);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new InputError({
      code: "contract-not-readable",
      place: error.path === "" ? path : `${path} ${error.path}`,
      problem: `expected ${error.expected}`,
      cure: "get the file again from whoever wrote it: a contract is never edited by hand",
    });
  }
};

const isDraft = (bytes: Uint8Array): boolean => {
  try {
    readContract(bytes);
    return true;
  } catch {
    return false;
  }
};

const unsignedDraft = (path: string): InputError =>
  new InputError({
    code: "contract-unsigned",
    place: path,
    problem: "this is a draft, with nobody's signature",
    cure: "name the file that `bulkhead-coordinator contract gather` has written once everybody has signed",
  });

/** How a party stands to a contract. */
interface PartyFinding {
  readonly name: string;
  readonly problem: "missing" | SignatureProblem | undefined;
}

/** One for each party in the contract's order, and one for each signature of somebody else. */
export const signatureFindings = ({ contract, signatures }: SignedContract): readonly PartyFinding[] => {
  const parties = [contract.provider, ...contract.members].map(({ name }) => name);
  const found = parties.map((name): PartyFinding => {
    const problems = signatures
      .filter((signature) => signature.name === name)
      .map((signature) => signatureProblem(contract, signature));
    if (problems.length === 0) return { name, problem: "missing" };
    return { name, problem: problems.includes(undefined) ? undefined : problems[0] };
  });
  const strangers = signatures.filter(({ name }) => !parties.includes(name));
  return [...found, ...strangers.map(({ name }) => ({ name, problem: "not-a-party" as const }))];
};

export const FINDING_WORDS: Readonly<Record<NonNullable<PartyFinding["problem"]>, string>> = {
  missing: "has not signed",
  "other-contract": "has signed another contract, or this one was altered since",
  "not-a-party": "is no party of this contract",
  "other-key": "has signed with another key than the contract names",
  "bad-signature": "has a signature that does not verify",
};

/** Throws an {@link InputError} that names every party without a valid signature, and why. */
export const expectAllSigned = (signed: SignedContract, place: string): void => {
  const wrong = signatureFindings(signed).filter(({ problem }) => problem !== undefined);
  const named = wrong.map(({ name, problem }) => `${name} ${FINDING_WORDS[problem!]}`);
  if (named.length === 0) return;
  const isAltered = wrong.every(({ problem }) => problem === "other-contract");
  throw new InputError({
    code: isAltered ? "contract-altered" : "contract-unsigned",
    place,
    problem: named.join("; "),
    cure: "let every party sign this very contract, and gather the signatures again",
  });
};
