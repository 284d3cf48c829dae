/**
 * A gateway's key is made at each start and never written; the member's identity, which lives where there is no
 * network, certifies it for one contract and at most a day.
 */
import {
  type CanonicalType,
  encodeCanonical,
  encodeFields,
  invariant,
  rawBytes,
  type Secret,
  struct,
  u64,
  u8,
} from "@bulkhead/base";
import { PUBLIC_KEY_LENGTH } from "./agreement.ts";
import { sign, SIGNATURE_LENGTH, verify } from "./signing.ts";

export const LONGEST_CERTIFICATE_MS = 24 * 60 * 60 * 1000;

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

/** Whether the identity signed this certificate for this contract; its times are not judged here. */
export const isGatewayCertified = (
  certificate: GatewayCertificate,
  { contractDigest, identityKey }: { readonly contractDigest: Uint8Array; readonly identityKey: Uint8Array },
): boolean => verify(identityKey, signedBytes({ ...certificate, contractDigest }), certificate.signature);

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
