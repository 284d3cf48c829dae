/** `identity show` and `identity export`: the public part of the sealed identity; no passphrase is needed. */
import { bytesToHex, utf8ToText } from "@bulkhead/base";
import { EXIT } from "@bulkhead/console";
import { fingerprintText, safetyNumber } from "@bulkhead/crypto";
import { publicIdentityBytes, readIdentityHeader, writeFileAtomic } from "@bulkhead/store";
import { loadCoordinatorConfig } from "../config.ts";
import { tellResult } from "./result.ts";

interface IdentityOptions {
  readonly config: string;
  readonly json?: true;
}

export const showIdentity = async ({ config: file, json }: IdentityOptions): Promise<number> => {
  const { config } = await loadCoordinatorConfig(file);
  const { name, publicKey } = await readIdentityHeader(config.identity);
  tellResult(json, { name, publicKey: bytesToHex(publicKey), safetyNumber: safetyNumber(publicKey) }, [
    `Name           ${name}`,
    `Public key     ${bytesToHex(publicKey)}`,
    `Safety number  ${safetyNumber(publicKey)}`,
    `Fingerprint    ${fingerprintText(publicKey)}`,
  ]);
  return EXIT.done;
};

export const exportIdentity = async ({
  config: file,
  out,
}: {
  readonly config: string;
  readonly out?: string;
}): Promise<number> => {
  const { config } = await loadCoordinatorConfig(file);
  const bytes = publicIdentityBytes(await readIdentityHeader(config.identity));
  if (out === undefined) process.stdout.write(`${utf8ToText(bytes)}\n`);
  else await writeFileAtomic(out, bytes, { mode: 0o644 });
  return EXIT.done;
};
