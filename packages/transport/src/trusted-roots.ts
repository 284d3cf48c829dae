/** The certificates that TLS trusts where a company has roots of its own. */
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import { InputError } from "@bulkhead/base";

/**
 * Node's own roots and those in `extra`, PEM certificates. Throws an `InputError` about `place` where it holds none, or
 * one that cannot be read. NODE_EXTRA_CA_CERTS counts only where this is not used.
 */
export const trustedRoots = (extra: string, place = "extra root certificates"): SecureContext => {
  const own = extra.match(PEM_CERTIFICATE);
  if (own === null) throw unreadable(place, "it holds no PEM certificate");
  if (!own.every(isReadable)) throw unreadable(place, "one of its certificates cannot be read");
  return createSecureContext({ ca: [...rootCertificates, ...own] });
};

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu;

/** Among roots Node passes over what it cannot read; as a certificate to show it would refuse it. */
const isReadable = (cert: string): boolean => {
  try {
    createSecureContext({ cert });
    return true;
  } catch {
    return false;
  }
};

const unreadable = (place: string, problem: string): InputError =>
  new InputError({
    code: "config-root-certificates",
    place,
    problem,
    cure: "give a file of PEM certificates",
  });
