/** What a transition gives back, and everything that the two machines may ask of their surroundings or hear from them. */
import type { Secret } from "@bulkhead/base";
import type { MemberId } from "@bulkhead/secagg";
import type { AttemptName } from "./context.ts";
import type { Reason } from "./reasons.ts";
import type { ClientMessage, CoordinatorMessage, MessageOf } from "./messages.ts";

/** The next state, and what the outside world must now do, in order; only `persist` is awaited. */
export interface Step<State, Effect> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** A keystream to add to (+1) or take from (−1) a vector; the shell wipes the key when it is done. */
export interface MaskStream {
  readonly key: Secret;
  readonly sign: 1 | -1;
}

/** What a client must never forget: counters and digests, no secret. */
export type ClientEntry =
  | ({ readonly type: "joined" } & AttemptName)
  | ({
      readonly type: "signed";
      readonly survivors: readonly MemberId[];
      readonly modelHash: Uint8Array;
    } & AttemptName)
  | ({ readonly type: "revealed" } & AttemptName);

export type ClientEffect =
  | { readonly type: "send"; readonly message: ClientMessage }
  | { readonly type: "persist"; readonly entry: ClientEntry }
  | { readonly type: "set-deadline"; readonly afterMs: number }
  | { readonly type: "clear-deadline" }
  /** Train on the round's model, once a round; answered by `trained` or `failed`. */
  | { readonly type: "train"; readonly round: number }
  /** Quantise the kept update into a fresh vector and add these streams; answered by `masked` or `failed`. */
  | ({ readonly type: "mask"; readonly streams: readonly MaskStream[] } & AttemptName)
  /** Send the masked vector from this byte on, in chunks, before any later message. */
  | ({ readonly type: "upload"; readonly from: number } & AttemptName)
  /** Await the chunks of the sum, check digest and check lanes, apply the update rule; answered by `applied` or `failed`. */
  | ({
      readonly type: "apply";
      readonly sumDigest: Uint8Array;
      readonly byteLength: number;
      readonly survivors: readonly MemberId[];
    } & AttemptName)
  /** Wipe these; the state no longer holds them. */
  | { readonly type: "forget-secrets"; readonly secrets: readonly Secret[] }
  /** The masked vector has served; the update it was made from is kept for another attempt. */
  | { readonly type: "drop-vector" }
  | { readonly type: "note"; readonly reason: Reason };

export type ClientEvent =
  /** A plan, with 32 fresh bytes from the OS that serve this attempt alone. */
  | { readonly type: "planned"; readonly plan: MessageOf<CoordinatorMessage, "plan">; readonly seed: Secret }
  | {
      readonly type: "received";
      readonly message: Exclude<CoordinatorMessage, { readonly type: "plan" }>;
    }
  | { readonly type: "trained" }
  | { readonly type: "masked"; readonly digest: Uint8Array; readonly byteLength: number }
  | { readonly type: "applied"; readonly modelHash: Uint8Array }
  | { readonly type: "failed"; readonly code: FailureCode }
  /** The shell refuses what the machine cannot see: bytes that do not decode, a budget that is spent. */
  | { readonly type: "refused"; readonly reason: Reason }
  | { readonly type: "link-lost" }
  | { readonly type: "link-restored" }
  | { readonly type: "deadline-passed" }
  | { readonly type: "stop"; readonly withdraws: boolean };

/** Work that the shell was asked for and could not do. */
export type FailureCode =
  | "training-failed"
  | "masking-failed"
  | "sum-mismatch"
  | "masks-did-not-cancel"
  | "internal";

export type CoordinatorEffect =
  | { readonly type: "send"; readonly to: MemberId; readonly message: CoordinatorMessage }
  | { readonly type: "persist"; readonly event: CoordinatorEvent }
  /** Replaces the deadline before it. */
  | { readonly type: "set-deadline"; readonly afterMs: number }
  | { readonly type: "clear-deadline" }
  /** Check the spooled upload against its trailer, make it durable and add it to the sum; answered by `folded`. */
  | ({
      readonly type: "fold";
      readonly from: MemberId;
      readonly digest: Uint8Array;
      readonly byteLength: number;
    } & AttemptName)
  /** Take these streams off the sum; answered by `summed`. */
  | ({
      readonly type: "unmask";
      readonly streams: readonly MaskStream[];
      readonly survivors: readonly MemberId[];
    } & AttemptName)
  /** The sum is plain and agreed: apply it, keep it, and send it to those who ask. */
  | ({
      readonly type: "publish";
      readonly survivors: readonly MemberId[];
      readonly sumDigest: Uint8Array;
    } & AttemptName)
  /** Tell this member how much of its masked vector has arrived. */
  | ({ readonly type: "send-received"; readonly to: MemberId } & AttemptName)
  /** After a `result`: the chunks of the sum. */
  | ({ readonly type: "send-sum"; readonly to: MemberId } & AttemptName)
  | { readonly type: "note"; readonly from: MemberId | undefined; readonly reason: Reason };

/** What the spool found when it held an upload against its trailer. */
export type UploadOutcome = "added" | "length" | "digest" | "missing";

/** All that moves the coordinator. The journal is the list of the events that changed its state. */
export type CoordinatorEvent =
  | { readonly type: "received"; readonly from: MemberId; readonly message: ClientMessage }
  | { readonly type: "folded"; readonly from: MemberId; readonly outcome: UploadOutcome }
  | {
      readonly type: "summed";
      readonly outcome: "plain" | "masks-did-not-cancel";
      readonly digest: Uint8Array;
    }
  /** A link that was lost for longer than `resumeMs`. */
  | { readonly type: "lost"; readonly from: MemberId }
  | { readonly type: "deadline-passed" };
