/** The secrets of one attempt and every key derived from them (protocol.md 2.3); all labels of the suite stand here. */
import { concatBytes, encodeFields, type Secret } from "@bulkhead/base";
import { agree, type AgreementKeys, agreementKeys, deriveSecret, hashFields } from "@bulkhead/crypto";
import type { MemberId } from "@bulkhead/secagg";
import type { AttemptContext } from "./context.ts";

/**
 * One client's secrets of one attempt, all derived from the attempt's 32-byte seed. `shareKeys` does not derive from
 * `maskKeyRoot`: revealing the root of a lost member must not open the shares that were sealed to it.
 */
export interface AttemptSecrets {
  readonly selfMaskSeed: Secret;
  readonly maskKeyRoot: Secret;
  readonly maskKeys: AgreementKeys;
  readonly shareKeys: AgreementKeys;
  readonly sharingSeed: Secret;
}

/** The seed serves one attempt; the caller wipes it. */
export const attemptSecrets = (seed: Secret, context: AttemptContext): AttemptSecrets => {
  const derive = (label: string) =>
    deriveSecret({ secret: seed, salt: context.hash, info: encodeFields(`bulkhead/1 ${label}`) });
  const maskKeyRoot = derive("mask-key root");
  const shareSeed = derive("share key");
  const secrets = {
    selfMaskSeed: derive("self-mask seed"),
    maskKeyRoot,
    maskKeys: maskKeysOf(maskKeyRoot, context),
    shareKeys: agreementKeys(shareSeed),
    sharingSeed: derive("sharing"),
  };
  shareSeed.wipe();
  return secrets;
};

/** Everything to wipe when the attempt is over for this client. */
export const secretsToWipe = (secrets: AttemptSecrets): readonly Secret[] => [
  secrets.selfMaskSeed,
  secrets.maskKeyRoot,
  secrets.maskKeys.secretKey,
  secrets.shareKeys.secretKey,
  secrets.sharingSeed,
];

/** The mask key pair follows from its root, so that one Shamir sharing of the root covers it. */
export const maskKeysOf = (maskKeyRoot: Secret, context: AttemptContext): AgreementKeys => {
  const seed = deriveSecret({
    secret: maskKeyRoot,
    salt: context.hash,
    info: encodeFields("bulkhead/1 mask-dh"),
  });
  const keys = agreementKeys(seed);
  seed.wipe();
  return keys;
};

/** cm_i: makes a rebuilt self-mask seed checkable without having revealed it. */
export const selfMaskCommitment = (
  context: AttemptContext,
  owner: MemberId,
  selfMaskSeed: Secret,
): Uint8Array =>
  hashFields("bulkhead/1 b-commit", context.bytes, Uint8Array.of(owner), selfMaskSeed.reveal());

/** K_i, which expands to the owner's self mask. */
export const selfMaskKey = (selfMaskSeed: Secret, transcript: Uint8Array, owner: MemberId): Secret =>
  deriveSecret({
    secret: selfMaskSeed,
    salt: transcript,
    info: encodeFields("bulkhead/1 self-mask", Uint8Array.of(owner)),
  });

/** K_ij, which expands to the mask of a pair; both ends derive the same. `undefined` for a refused public key. */
export const pairMaskKey = (
  own: { readonly id: MemberId; readonly secretKey: Secret },
  peer: { readonly id: MemberId; readonly publicKey: Uint8Array },
  transcript: Uint8Array,
): Secret | undefined => {
  const ids = own.id < peer.id ? [own.id, peer.id] : [peer.id, own.id];
  return agreed(
    own.secretKey,
    peer.publicKey,
    transcript,
    concatBytes(pairLabel, ...ids.map((id) => Uint8Array.of(id))),
  );
};

/** E_{i→j}, the one-time key for the shares on their way from owner to holder; the way back has another key. */
export const shareKey = (
  secretKey: Secret,
  peerPublicKey: Uint8Array,
  transcript: Uint8Array,
  way: { readonly owner: MemberId; readonly holder: MemberId },
): Secret | undefined =>
  agreed(secretKey, peerPublicKey, transcript, concatBytes(shareLabel, Uint8Array.of(way.owner, way.holder)));

const pairLabel = encodeFields("bulkhead/1 pair-mask");
const shareLabel = encodeFields("bulkhead/1 share-aead");

const agreed = (
  secretKey: Secret,
  peerPublicKey: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
): Secret | undefined => {
  const secret = agree(secretKey, peerPublicKey);
  if (secret === undefined) return undefined;
  const key = deriveSecret({ secret, salt, info });
  secret.wipe();
  return key;
};
