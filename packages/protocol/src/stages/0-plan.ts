/**
 * Stage 0. The coordinator names the round, the attempt and the model; everything else follows from the contract.
 * A client that accepts starts to train at once and, beside that, enters stage 1.
 */
import { decodeCanonical, encodeCanonical, encodeFields, equalBytes, type Secret } from "@bulkhead/base";
import { sign, verify } from "@bulkhead/crypto";
import type { AwaitingPlan, InAttempt } from "../client-state.ts";
import { isAfter } from "../history.ts";
import type { Job } from "../job.ts";
import { type CoordinatorMessage, type MessageOf, type PlanPayload, planPayload } from "../messages.ts";
import type { Reason } from "../reasons.ts";

type Plan = MessageOf<CoordinatorMessage, "plan">;

const signedBytes = (payload: Uint8Array): Uint8Array => encodeFields("bulkhead/1 plan signature", payload);

// ── client ──────────────────────────────────────────────────────────────────

/** Checks the provider's signature over the raw bytes, then that the plan belongs to this contract. */
export const readPlan = (job: Job, { payload, signature }: Plan): PlanPayload | Reason => {
  if (!verify(job.providerKey, signedBytes(payload), signature)) return { code: "plan-unsigned" };
  try {
    const plan = decodeCanonical(planPayload, payload);
    return equalBytes(plan.contractHash, job.contractHash) ? plan : { code: "other-contract" };
  } catch {
    return { code: "plan-unsigned" };
  }
};

/** Round and attempt only ever rise, and the model is the one that this site has computed for itself. */
export const planProblem = ({ seat }: AwaitingPlan | InAttempt, plan: PlanPayload): Reason | undefined => {
  const { round, attempt } = plan;
  const { applied, history } = seat;
  if (round <= applied) return { code: "round-replayed", round, applied };
  if (round <= history.revealed) return { code: "round-over", round };
  if (history.signed.some((signed) => signed.round === round)) return { code: "already-signed", round };
  if (!isAfter({ round, attempt }, history.joined)) return { code: "attempt-replayed", round, attempt };
  if (round !== applied + 1 || !equalBytes(plan.modelHash, seat.modelHash))
    return { code: "lineage-unproven", round, applied };
  if (round > seat.job.contract.training.rounds) return { code: "round-over", round };
  return undefined;
};

// ── coordinator ─────────────────────────────────────────────────────────────

export const signPlan = (plan: PlanPayload, providerSecretKey: Secret): Plan => {
  const payload = encodeCanonical(planPayload, plan);
  return { type: "plan", payload, signature: sign(providerSecretKey, signedBytes(payload)) };
};
