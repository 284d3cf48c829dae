/** The secrets of one attempt and every key derived from them (protocol.md 2.3); all labels of the suite stand here. */
import { concatBytes, encodeFields, type Secret } from "@bulkhead/base";
import { type AgreementKeys, agreementKeys, agreeWith, deriveSecret, hashFields } from "@bulkhead/crypto";
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

interface Own {
  readonly id: MemberId;
  readonly secretKey: Secret;
}

interface Peer {
  readonly id: MemberId;
  readonly publicKey: Uint8Array;
}

/**
 * K_ij, which expands to the mask of a pair, for one peer after the other; both ends derive the same. `undefined` for a
 * refused public key. To be used at once: see {@link agreeWith}.
 */
export const pairMaskKeys = (own: Own, transcript: Uint8Array): ((peer: Peer) => Secret | undefined) => {
  const agree = agreeWith(own.secretKey);
  return ({ id, publicKey }) => {
    const secret = agree(publicKey);
    const ids = own.id < id ? [own.id, id] : [id, own.id];
    const info = concatBytes(pairLabel, ...ids.map((each) => Uint8Array.of(each)));
    const key = secret && deriveSecret({ secret, salt: transcript, info });
    secret?.wipe();
    return key;
  };
};

/** The two one-time keys between two members, for the shares on their way from one to the other. */
export interface BoxKeys {
  /** E_{own→peer}. */
  readonly toSeal: Secret;
  /** E_{peer→own}. */
  readonly toOpen: Secret;
}

/** Of one agreement both, under different labels; else as {@link pairMaskKeys}. */
export const boxKeys = (own: Own, transcript: Uint8Array): ((peer: Peer) => BoxKeys | undefined) => {
  const agree = agreeWith(own.secretKey);
  return ({ id, publicKey }) => {
    const secret = agree(publicKey);
    if (secret === undefined) return undefined;
    const keyOf = (owner: MemberId, holder: MemberId) =>
      deriveSecret({ secret, salt: transcript, info: concatBytes(shareLabel, Uint8Array.of(owner, holder)) });
    const keys = { toSeal: keyOf(own.id, id), toOpen: keyOf(id, own.id) };
    secret.wipe();
    return keys;
  };
};

const pairLabel = encodeFields("bulkhead/1 pair-mask");
const shareLabel = encodeFields("bulkhead/1 share-aead");
