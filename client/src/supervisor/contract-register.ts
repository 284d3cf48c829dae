/**
 * Beside the identity's file, the contracts that it has taken part in or withdrawn from. It stays with the identity
 * when a state folder is lost: without its journal a used contract is not gone on with.
 */
import {
  canonicalJson,
  listOf,
  oneOf,
  parseCanonicalJson,
  record,
  textMatching,
  type TypeOf,
} from "@bulkhead/base";
import { readOwnFile } from "@bulkhead/party";
import { writeFileAtomic } from "@bulkhead/store";

const digests = listOf(textMatching(/^[0-9a-f]{64}$/u, "a digest"), 100_000);
const registerShape = record({ format: oneOf("bulkhead-contracts/1"), used: digests, withdrawn: digests });
type Register = TypeOf<typeof registerShape>;
type Mark = "used" | "withdrawn";

const NONE: Register = { format: "bulkhead-contracts/1", used: [], withdrawn: [] };
const LONGEST_REGISTER = 16 << 20;

export const registerFile = (identity: string): string => `${identity}.contracts`;

/** `contract` is a digest in hexadecimal. */
export const isMarked = async (identity: string, contract: string, mark: Mark): Promise<boolean> =>
  (await readRegister(registerFile(identity)))[mark].includes(contract);

/** Lasts when it resolves. Throws an {@link InputError} where the folder of the identity cannot be written. */
export const markContract = async (identity: string, contract: string, mark: Mark): Promise<void> => {
  const file = registerFile(identity);
  const register = await readRegister(file);
  if (register[mark].includes(contract)) return;
  await writeFileAtomic(file, canonicalJson({ ...register, [mark]: [...register[mark], contract] }));
};

const readRegister = async (file: string): Promise<Register> =>
  (await readOwnFile(file, {
    longest: LONGEST_REGISTER,
    parse: (bytes) => registerShape(parseCanonicalJson(bytes)),
    damaged: {
      code: "contract-register",
      problem: "it is no list of contracts",
      cure: "restore the file from a copy: it says which contracts this identity has used",
    },
  })) ?? NONE;
