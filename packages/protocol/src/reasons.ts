/**
 * Why a side ignores a message, aborts, or ends an attempt: typed values with facts, in words a person can act on.
 * `code` is stable and documented; none of the facts can hold a secret.
 */
import type { MemberId } from "@bulkhead/secagg";

export type Reason =
  // a client refuses: the other side broke the protocol, or may have
  | { readonly code: "plan-unsigned" }
  | { readonly code: "other-contract" }
  | { readonly code: "lineage-unproven"; readonly round: number; readonly applied: number }
  | { readonly code: "round-replayed"; readonly round: number; readonly applied: number }
  | { readonly code: "attempt-replayed"; readonly round: number; readonly attempt: number }
  | { readonly code: "already-signed"; readonly round: number }
  | { readonly code: "round-over"; readonly round: number }
  | { readonly code: "unknown-member" }
  | { readonly code: "bad-signature"; readonly from: MemberId; readonly message: string }
  | { readonly code: "duplicate-key"; readonly from: MemberId }
  | { readonly code: "own-message-altered"; readonly message: string }
  | { readonly code: "self-missing"; readonly message: string }
  | {
      readonly code: "too-few-members";
      readonly stage: string;
      readonly present: number;
      readonly needed: number;
    }
  | { readonly code: "not-a-subset"; readonly message: string }
  | { readonly code: "bad-share"; readonly dealer: MemberId }
  | { readonly code: "sharers-differ"; readonly from: MemberId }
  | { readonly code: "no-quorum"; readonly valid: number; readonly needed: number }
  | { readonly code: "equivocation"; readonly message: string }
  | { readonly code: "unexpected-message"; readonly message: string; readonly stage: string }
  | { readonly code: "cohort-difference"; readonly members: number; readonly least: number }
  | { readonly code: "result-unproven" }
  | { readonly code: "sum-mismatch" }
  | { readonly code: "budget-spent"; readonly what: "bytes" | "rounds" | "attempts" }
  // a client ends for reasons of its own
  | { readonly code: "training-failed" }
  | { readonly code: "masking-failed" }
  | { readonly code: "internal" }
  | { readonly code: "stopped" }
  | { readonly code: "consent-withdrawn" }
  | { readonly code: "link-lost" }
  // the coordinator ends an attempt, or ignores a message
  | { readonly code: "masks-did-not-cancel" }
  | { readonly code: "reconstruction-failed"; readonly owner: MemberId }
  | { readonly code: "waiting-for-member"; readonly present: number; readonly needed: number }
  | { readonly code: "late-or-repeated"; readonly message: string }
  | { readonly code: "malformed"; readonly message: string }
  | { readonly code: "upload-mismatch"; readonly what: "length" | "digest" | "missing" }
  | { readonly code: "left"; readonly why: string };

export type ReasonCode = Reason["code"];

/** One sentence for a person; the same in log, status and report. */
export const reasonText = (reason: Reason): string => {
  const { code, ...facts } = reason;
  const stated = Object.entries(facts).map(([name, value]) => `${name} ${String(value)}`);
  return stated.length === 0 ? SENTENCES[code] : `${SENTENCES[code]} (${stated.join(", ")})`;
};

const SENTENCES: Readonly<Record<ReasonCode, string>> = {
  "plan-unsigned": "the plan does not carry the provider's signature",
  "other-contract": "the plan belongs to another contract",
  "lineage-unproven": "the model of this round does not follow from the sums this site has checked",
  "round-replayed": "the round is over here already",
  "attempt-replayed": "this attempt has been taken part in before",
  "already-signed": "survivors of this round are signed, so no other attempt of it may start",
  "round-over": "shares of this round have been released once, which is all",
  "unknown-member": "a member that the contract does not name",
  "bad-signature": "a message does not carry the signature of the member it names",
  "duplicate-key": "two members advertise the same key",
  "own-message-altered": "this site's own message came back altered",
  "self-missing": "this site is missing from the set",
  "too-few-members": "fewer members than the contract's minimum",
  "not-a-subset": "the set names members that were not in the one before",
  "bad-share": "a share does not match what its dealer signed",
  "sharers-differ": "members were shown different sets of sharers",
  "no-quorum": "too few valid agreements on the survivors",
  equivocation: "a second, different version of a message",
  "unexpected-message": "a message that has no place at this stage",
  "cohort-difference": "the cohort differs from an earlier one by too few members",
  "result-unproven": "the result does not carry a quorum for this round",
  "sum-mismatch": "the sum does not match its digest or cannot be a sum of the survivors",
  "budget-spent": "all that the contract or this site's policy allows to leave has left",
  "training-failed": "training gave no usable update",
  "masking-failed": "the ring engine could not mask the update",
  internal: "an internal error",
  stopped: "stopped by its operator",
  "consent-withdrawn": "the site has withdrawn its consent",
  "link-lost": "the link was lost for longer than the contract allows",
  "masks-did-not-cancel": "the masks did not cancel, so the sum is noise",
  "reconstruction-failed": "the shares of a member do not rebuild its secret",
  "waiting-for-member": "survivors are signed and too few members answer",
  "late-or-repeated": "a late or repeated message",
  malformed: "a message that does not decode",
  "upload-mismatch": "the upload does not match its trailer",
  left: "the member left the round",
};
