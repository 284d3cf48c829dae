/** What learning needs of cryptography: a reproducible stream from a seed, and digests. It has no other way to them. */
export { hashFields, openKeystream, segmentNonce, Sha256, type OpenKeystream } from "@bulkhead/crypto";
