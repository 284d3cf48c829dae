/** A site's folder with its sealed identity, some rows and a contract that names it, and its commands run in this process. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex, InputError, Secret, utf8 } from "@bulkhead/base";
import { program } from "@bulkhead/client";
import { exitCodeOf, type Program, stopSignal } from "@bulkhead/console";
import { createIdentity, sealIdentity } from "@bulkhead/crypto";
import {
  checkContract,
  type Contract,
  contractBytes,
  signContract,
  signedContractBytes,
} from "@bulkhead/protocol";
import { vi } from "vitest";
import { newFederation } from "../coordinator/federation.ts";
import { freshFolder } from "../launch.ts";

// A process listens for signals once, from its first command on: here from before the first test.
stopSignal();

export const PASSPHRASE = "correct horse battery";
/** The members of every contract here; the first is the site. Sealing is slow, so it is done once. */
export const MEMBERS = ["north", "east", "west"].map((name) => createIdentity(name));
export const PROVIDER = createIdentity("provider");
const SEALED = sealIdentity(MEMBERS[0]!, new Secret(utf8(PASSPHRASE)), { logN: 10, r: 1, p: 1 });

const ROWS = Array.from({ length: 40 }, (_, i) => JSON.stringify({ text: `mail ${i}`, label: i % 2 }));

export interface TestSite {
  readonly at: (...parts: readonly string[]) => string;
  readonly config: string;
  readonly contractFile: string;
  readonly contract: Contract;
  /** Of the passphrase. */
  readonly pass: readonly string[];
  readonly run: (...args: readonly string[]) => Promise<CommandEnd>;
}

export interface CommandEnd {
  readonly code: number;
  readonly stdout: string;
  /** Where the command ended with one. */
  readonly error: InputError | undefined;
}

export interface SiteOptions {
  /** Keys of `site.yaml` beside identity, state and data. */
  readonly config?: object;
  readonly rows?: readonly string[];
  readonly contract?: Partial<Contract>;
}

export const newSite = (options: SiteOptions = {}): TestSite => {
  const folder = freshFolder();
  const at = (...parts: readonly string[]) => path.join(folder, ...parts);
  fs.writeFileSync(at("identity.key"), SEALED, { mode: 0o600 });
  fs.writeFileSync(at("pass"), `${PASSPHRASE}\n`, { mode: 0o600 });
  fs.writeFileSync(at("rows.jsonl"), `${(options.rows ?? ROWS).join("\n")}\n`);
  const data = { type: "jsonl", paths: ["rows.jsonl"] };
  fs.writeFileSync(
    at("site.yaml"),
    JSON.stringify({ identity: "identity.key", state: "state", data, ...options.config }, undefined, 2),
  );
  const contract = contractOf(options.contract);
  fs.writeFileSync(at("contract.json"), contractBytes(contract));
  return {
    at,
    config: at("site.yaml"),
    contractFile: at("contract.json"),
    contract,
    pass: ["--passphrase-file", at("pass")],
    run: (...args) => runHere(program, args),
  };
};

const contractOf = (changes: Partial<Contract> = {}): Contract => {
  const { contract } = newFederation({ length: 50 });
  const party = ({ name, signing }: (typeof MEMBERS)[number]) => ({
    name,
    publicKey: bytesToHex(signing.publicKey),
  });
  return checkContract({
    ...contract,
    provider: { ...contract.provider, ...party(PROVIDER) },
    members: MEMBERS.map(party),
    egress: { bytes: 3000, attemptsPerRound: 3 },
    ...changes,
  });
};

/** As `contract gather` writes it, then altered without being signed anew. */
export const writeGathered = (site: TestSite, altered: Partial<Contract> = {}): string => {
  const signatures = [PROVIDER, ...MEMBERS].map(({ name, signing }) =>
    signContract(site.contract, name, signing),
  );
  const contract = checkContract({ ...site.contract, ...altered });
  fs.writeFileSync(site.at("signed.json"), signedContractBytes({ contract, signatures }));
  return site.at("signed.json");
};

/** Runs a command line in this process; an error that is no bad input passes through. */
export const runHere = async (commandLine: Program, args: readonly string[]): Promise<CommandEnd> => {
  let stdout = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    stdout += String(chunk);
    return true;
  });
  try {
    return { code: await commandLine(args), stdout, error: undefined };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { code: exitCodeOf(error.code), stdout, error };
  } finally {
    spy.mockRestore();
  }
};
