/**
 * A gateway's key is made at each start and never written; the member's identity, which lives in the cell, certifies
 * it for one contract and at most a day.
 */
import { PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, sign, verify } from "@bulkhead/crypto";
import {
  encodeCanonical,
  encodeFields,
  invariant,
  rawBytes,
  struct,
  u64,
  u8,
  type CanonicalType,
  type Secret,
} from "@bulkhead/base";
import type { Refusal } from "./refusal.ts";

export const LONGEST_CERTIFICATE_MS = 24 * 60 * 60 * 1000;

/** How far the clocks of two sites may differ: what is judged by the clock is judged with this tolerance. */
export const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;

const LABEL = "bulkhead/1 gateway";

/** Times in milliseconds since 1970. The contract digest is not carried: both sides have their own. */
export const gatewayCertificate = struct({
  memberId: u8,
  gatewayKey: rawBytes(PUBLIC_KEY_LENGTH),
  notBefore: u64,
  notAfter: u64,
  signature: rawBytes(SIGNATURE_LENGTH),
});

export type GatewayCertificate = CanonicalType<typeof gatewayCertificate>;

export type GatewayClaim = Omit<GatewayCertificate, "signature"> & { readonly contractDigest: Uint8Array };

/** Signs in the cell. A lifetime below zero or above a day is a bug and throws. */
export const certifyGateway = (identitySecretKey: Secret, claim: GatewayClaim): GatewayCertificate => {
  const { contractDigest: _, ...carried } = claim;
  const lifetime = claim.notAfter - claim.notBefore;
  invariant(lifetime >= 0 && lifetime <= LONGEST_CERTIFICATE_MS, "a gateway is certified for at most a day");
  return { ...carried, signature: sign(identitySecretKey, signedBytes(claim)) };
};

/** What a certificate is checked against, by the coordinator's own contract and clock. */
export interface CertificateContext {
  readonly contractDigest: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly now: number;
}

/** Gives what is wrong, or `undefined` if nothing is. The signature comes first: unsigned times mean nothing. */
export const verifyGatewayCertificate = (
  certificate: GatewayCertificate,
  { contractDigest, identityKey, now }: CertificateContext,
): Refusal | undefined => {
  const { notBefore, notAfter, signature } = certificate;
  if (!verify(identityKey, signedBytes({ ...certificate, contractDigest }), signature))
    return { type: "certificate-invalid" };
  if (notAfter < notBefore) return { type: "certificate-invalid" };
  const excess = notAfter - notBefore - LONGEST_CERTIFICATE_MS;
  if (excess > 0) return { type: "certificate-too-long", byMs: excess };
  if (now < notBefore - CLOCK_TOLERANCE_MS)
    return { type: "certificate-not-yet-valid", byMs: notBefore - now };
  if (now > notAfter + CLOCK_TOLERANCE_MS) return { type: "certificate-expired", byMs: now - notAfter };
  return undefined;
};

const signedBytes = ({
  contractDigest,
  memberId,
  gatewayKey,
  notBefore,
  notAfter,
}: GatewayClaim): Uint8Array =>
  encodeFields(
    LABEL,
    contractDigest,
    encodeCanonical(u8, memberId),
    gatewayKey,
    encodeCanonical(u64, notBefore),
    encodeCanonical(u64, notAfter),
  );
