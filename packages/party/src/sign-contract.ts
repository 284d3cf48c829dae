/** `contract sign` on either side: one party's signature, in a file of its own. */
import { InputError } from "@bulkhead/base";
import { EXIT, type ExitCode, type PassphraseSource } from "@bulkhead/console";
import { type Contract, contractSignatureBytes, signatureProblem, signContract } from "@bulkhead/protocol";
import { writeFileAtomic } from "@bulkhead/store";
import { FINDING_WORDS } from "./contract-files.ts";
import { openIdentity } from "./identity-commands.ts";
import { tellResult } from "./tell-result.ts";

export interface SignRequest {
  readonly contract: Contract;
  /** The contract's file, for errors. */
  readonly place: string;
  /** The sealed identity. */
  readonly identity: string;
  readonly passphrase: PassphraseSource;
  /** The signature's file. */
  readonly out: string;
  readonly json?: true | undefined;
}

/** Writes nothing that would not count when the signatures are gathered. Whether to sign is the caller's matter. */
export const signContractFile = async (request: SignRequest): Promise<ExitCode> => {
  const { contract, place, out, json } = request;
  const { name, signing, siteSecret } = await openIdentity(request.identity, request.passphrase);
  const signature = signContract(contract, name, signing);
  for (const secret of [signing.secretKey, siteSecret]) secret.wipe();
  const problem = signatureProblem(contract, signature);
  if (problem !== undefined)
    throw new InputError({
      code: "contract-not-a-party",
      place,
      problem: `${name} ${FINDING_WORDS[problem]}`,
      cure: "sign with the identity whose public part was given to the provider",
    });
  await writeFileAtomic(out, contractSignatureBytes(signature), { mode: 0o644 });
  tellResult(json, { name, contract: signature.contract, signature: out }, [
    `${name} has signed contract ${signature.contract}: ${out}`,
  ]);
  return EXIT.done;
};
