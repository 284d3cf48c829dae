/** `contract draft`, `sign`, `gather` and `show`. */
import path from "node:path";
import { bytesToHex, InputError } from "@bulkhead/base";
import { EXIT, type PassphraseSource } from "@bulkhead/console";
import {
  contractBytes,
  contractDigest,
  jobOf,
  signatureProblem,
  signedContractBytes,
} from "@bulkhead/protocol";
import { makeFolder, readIdentityHeader, writeFileAtomic } from "@bulkhead/store";
import {
  FINDING_WORDS,
  describeContract,
  readAnyContractFile,
  readContractFile,
  readSignatureFile,
  signatureFindings,
  signContractFile,
  tellResult,
} from "@bulkhead/party";
import { loadCoordinatorConfig } from "../config.ts";
import { draftContract } from "../contract/draft-contract.ts";
import { jobFolder } from "../job-folder.ts";
import { loadJobDescription } from "../job-description.ts";

const OTHERS_MAY_READ = { mode: 0o644 };

interface DraftOptions {
  readonly config: string;
  readonly job: string;
  readonly member?: readonly string[];
  readonly out: string;
  readonly json?: true;
}

/** The initial model goes beside the draft, and to where `start` looks for it first. */
export const draft = async (options: DraftOptions): Promise<number> => {
  const { job: jobFile, out, json } = options;
  const { config } = await loadCoordinatorConfig(options.config);
  const provider = await readIdentityHeader(config.identity);
  const { config: job } = await loadJobDescription(jobFile);
  const members = options.member ?? job.members;
  const { contract, initialModel } = await draftContract(
    { ...job, members: [...members] },
    jobFile,
    provider,
  );
  await makeFolder(out);
  const folder = jobFolder(config.state, jobOf(contract));
  await makeFolder(folder.home);
  await writeFileAtomic(folder.initialModel, initialModel);
  const [draftFile, model] = [path.join(out, "contract.json"), path.join(out, "initial.safetensors")];
  await writeFileAtomic(model, initialModel, OTHERS_MAY_READ);
  await writeFileAtomic(draftFile, contractBytes(contract), OTHERS_MAY_READ);
  const digest = bytesToHex(contractDigest(contract));
  tellResult(json, { contract: draftFile, initialModel: model, digest }, [
    describeContract({ contract, signatures: [] }),
    "",
    `Written: ${draftFile} and ${model}. Every party reads and signs the contract.`,
  ]);
  return EXIT.done;
};

interface SignOptions {
  readonly contract: string;
  readonly config: string;
  readonly out: string;
  readonly passphrase: PassphraseSource;
  readonly json?: true;
}

export const sign = async (options: SignOptions): Promise<number> => {
  const { config } = await loadCoordinatorConfig(options.config);
  const contract = await readContractFile(options.contract);
  const { name, publicKey } = await readIdentityHeader(config.identity);
  const { provider } = contract;
  if (name !== provider.name || bytesToHex(publicKey) !== provider.publicKey)
    throw new InputError({
      code: "contract-other-provider",
      place: options.contract,
      problem: "this identity is not the provider that it names",
      cure: "sign with the identity that drafted it",
    });
  return signContractFile({ ...options, contract, place: options.contract, identity: config.identity });
};

interface GatherOptions {
  readonly contract: string;
  readonly signatures: readonly string[];
  readonly out: string;
  readonly json?: true;
}

/** Nothing is written unless every party has signed. */
export const gather = async (options: GatherOptions): Promise<number> => {
  const contract = await readContractFile(options.contract);
  const signatures = await Promise.all(options.signatures.map(readSignatureFile));
  const findings = signatureFindings({ contract, signatures });
  const wrong = findings.filter(({ problem }) => problem !== undefined);
  const named = wrong.map(({ name, problem }) => `${name} ${FINDING_WORDS[problem!]}`);
  if (named.length > 0)
    throw new InputError({
      code: "contract-unsigned",
      place: options.contract,
      problem: named.join("; "),
      cure: "get those signatures (again), made for this very contract",
    });
  const valid = signatures.filter((signature) => signatureProblem(contract, signature) === undefined);
  const single = [...new Map(valid.map((signature) => [signature.name, signature])).values()];
  await writeFileAtomic(options.out, signedContractBytes({ contract, signatures: single }), OTHERS_MAY_READ);
  const digest = bytesToHex(contractDigest(contract));
  tellResult(options.json, { contract: options.out, digest, parties: findings.map(({ name }) => name) }, [
    `All ${findings.length} parties have signed contract ${digest}: ${options.out}`,
  ]);
  return EXIT.done;
};

export const show = async ({
  contract: file,
  json,
}: {
  readonly contract: string;
  readonly json?: true;
}): Promise<number> => {
  const signed = await readAnyContractFile(file);
  const { contract } = signed;
  const digest = bytesToHex(contractDigest(contract));
  const signatures = Object.fromEntries(
    signatureFindings(signed).map(({ name, problem }) => [name, problem ?? "valid"]),
  );
  tellResult(json, { digest, contract, signatures }, [describeContract(signed)]);
  return EXIT.done;
};
