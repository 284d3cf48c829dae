/** `init`: an identity, a config and a job description to start from. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex, utf8 } from "@bulkhead/base";
import { EXIT, type PassphraseSource } from "@bulkhead/console";
import { safetyNumber } from "@bulkhead/crypto";
import { expectAbsent, makeIdentity, tellResult } from "@bulkhead/party";
import { writeFileAtomic } from "@bulkhead/store";
import { coordinatorConfigTemplate } from "../config.ts";
import { jobTemplate } from "../job-description.ts";

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
  const { publicKey } = await makeIdentity(identityFile, name, source);
  await writeFileAtomic(config, utf8(coordinatorConfigTemplate()), OTHERS_MAY_READ);
  if (!fs.existsSync(job)) await writeFileAtomic(job, utf8(jobTemplate()), OTHERS_MAY_READ);
  tellResult(json, { name, publicKey: bytesToHex(publicKey), identity: identityFile, config, job }, [
    `Identity of ${name} in ${identityFile}; keep it and its passphrase: nothing can replace them.`,
    `Safety number, for the sites to compare: ${safetyNumber(publicKey)}`,
    `Config in ${config}; a job description to fill in is ${job}.`,
  ]);
  return EXIT.done;
};
