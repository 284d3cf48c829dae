/** A coordinator's own TLS certificate and its key, and what may be wrong with them. */
import { createSecureContext } from "node:tls";
import { InputError, type Secret } from "@bulkhead/base";

export interface ServerCertificate {
  /** The chain, PEM. */
  readonly certificate: string;
  /** PEM, without a passphrase. */
  readonly key: Secret;
  /** Where they were read, for the line that says what is wrong with them. */
  readonly files?: { readonly certificate: string; readonly key: string };
}

/** Which of the two a TLS server did not take. */
export const certificateProblem = ({ certificate, key, files }: ServerCertificate): InputError => {
  const pem = Buffer.from(key.reveal());
  const [place, problem] = !isTaken({ cert: certificate })
    ? [files?.certificate ?? "the coordinator's TLS certificate", "it is no certificate in PEM form"]
    : !isTaken({ key: pem })
      ? [files?.key ?? "the key of the coordinator's TLS certificate", "it is no key in PEM form"]
      : [files?.key ?? "the key of the coordinator's TLS certificate", "it belongs to another certificate"];
  pem.fill(0);
  return new InputError({
    code: "config-certificate",
    place,
    problem,
    cure: "give a PEM certificate chain and its PEM key without a passphrase",
  });
};

const isTaken = (part: { readonly cert: string } | { readonly key: Buffer }): boolean => {
  try {
    createSecureContext(part);
    return true;
  } catch {
    return false;
  }
};
