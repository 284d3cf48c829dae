/** `init`: an identity, a config and a job description to start from. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex, InputError, utf8 } from "@bulkhead/base";
import { EXIT, type PassphraseSource, readPassphrase } from "@bulkhead/console";
import { safetyNumber } from "@bulkhead/crypto";
import { createIdentityFile, makeFolder, writeFileAtomic } from "@bulkhead/store";
import { coordinatorConfigTemplate } from "../config.ts";
import { jobTemplate } from "../job-description.ts";
import { tellResult } from "./result.ts";

interface InitOptions {
  readonly folder: string;
  readonly name: string;
  readonly passphrase: PassphraseSource;
  readonly json?: true;
}

const OTHERS_MAY_READ = { mode: 0o644 };

/** Overwrites nothing. */
export const init = async ({ folder, name, passphrase: source, json }: InitOptions): Promise<number> => {
  const at = (file: string) => path.join(folder, file);
  const [config, job, identityFile] = [at("coordinator.yaml"), at("job.yaml"), at("identity.key")];
  for (const file of [config, identityFile]) expectAbsent(file);
  expectContractName(name);
  const passphrase = await readPassphrase(source, { isNew: true, purpose: `identity of ${name}` });
  await makeFolder(folder);
  const { signing } = await createIdentityFile(identityFile, name, passphrase);
  passphrase.wipe();
  await writeFileAtomic(config, utf8(coordinatorConfigTemplate()), OTHERS_MAY_READ);
  if (!fs.existsSync(job)) await writeFileAtomic(job, utf8(jobTemplate()), OTHERS_MAY_READ);
  tellResult(json, { name, publicKey: bytesToHex(signing.publicKey), identity: identityFile, config, job }, [
    `Identity of ${name} in ${identityFile}; keep it and its passphrase: nothing can replace them.`,
    `Safety number, for the sites to compare: ${safetyNumber(signing.publicKey)}`,
    `Config in ${config}; a job description to fill in is ${job}.`,
  ]);
  return EXIT.done;
};

const expectAbsent = (file: string): void => {
  if (!fs.existsSync(file)) return;
  throw new InputError({
    code: "path-exists",
    place: file,
    problem: "it is there already",
    cure: "use it, or name another folder",
  });
};

/** What contracts take; better said now than when the first one is drafted. */
const expectContractName = (name: string): void => {
  if (/^[a-z0-9][a-z0-9._-]{0,62}$/u.test(name)) return;
  throw new InputError({
    code: "usage-option",
    place: "--name",
    problem: "a name in contracts has lower-case letters, digits, dot, dash and underscore",
    cure: "choose such a name, of at most 63 characters",
  });
};
