/** What makes a coordinator believe a gateway's certificate: the identity's signature first, then the clock. */
import { type GatewayCertificate, isGatewayCertified, LONGEST_CERTIFICATE_MS } from "@bulkhead/crypto";
import type { Refusal } from "./refusal.ts";

/** How far the clocks of two sites may differ: what is judged by the clock is judged with this tolerance. */
export const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;

/** What a certificate is checked against, by the coordinator's own contract and clock. */
export interface CertificateContext {
  readonly contractDigest: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly now: number;
}

/** Gives what is wrong, or `undefined` if nothing is. The signature comes first: unsigned times mean nothing. */
export const verifyGatewayCertificate = (
  certificate: GatewayCertificate,
  { now, ...context }: CertificateContext,
): Refusal | undefined => {
  const { notBefore, notAfter } = certificate;
  if (!isGatewayCertified(certificate, context) || notAfter < notBefore)
    return { type: "certificate-invalid" };
  const excess = notAfter - notBefore - LONGEST_CERTIFICATE_MS;
  if (excess > 0) return { type: "certificate-too-long", byMs: excess };
  if (now < notBefore - CLOCK_TOLERANCE_MS)
    return { type: "certificate-not-yet-valid", byMs: notBefore - now };
  if (now > notAfter + CLOCK_TOLERANCE_MS) return { type: "certificate-expired", byMs: now - notAfter };
  return undefined;
};
