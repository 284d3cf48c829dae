/** Gets the model with which the first round starts from the coordinator, and believes it by its digest alone. */
import { canonicalModelBytes, parameterCount } from "@bulkhead/finetune";
import { readInitialModel } from "@bulkhead/party";
import type { ClientFrame, CoordinatorFrame, Job, LeaveCode, Reason } from "@bulkhead/protocol";
import type { NewsOf } from "../news.ts";
import type { ModelAt } from "./models.ts";
import { type CellOutcome, outcomeOfFinish, outcomeOfReason } from "./outcome.ts";
import type { DeskEvent, PipeDesk } from "./pipe-desk.ts";
import { VectorIntake } from "./vector-intake.ts";

type Fetched = { readonly type: "model"; readonly bytes: Uint8Array } | FetchEnd;
interface FetchEnd {
  readonly type: "end";
  readonly outcome: CellOutcome;
}

const NO_ATTEMPT = { round: 0, attempt: 0 } as const;
const NO_MODEL: Uint8Array = new Uint8Array(32);

const GREETING: ClientFrame = {
  type: "hello",
  ...NO_ATTEMPT,
  place: "awaiting-plan",
  applied: 0,
  modelHash: NO_MODEL,
};

export const leaveFrame = (code: LeaveCode): ClientFrame => ({ type: "leave", ...NO_ATTEMPT, code });

/** Throws an {@link InputError} `contract-other-model` where the coordinator sends another model than the contract names. */
export const fetchModel = async (job: Job, desk: PipeDesk): Promise<ModelAt | FetchEnd> => {
  const fetched = await new Promise<Fetched>((resolve) => {
    const fetching = new Fetching(job, desk, resolve);
    desk.listen((event) => fetching.hear(event));
  });
  if (fetched.type === "end") return fetched;
  const { contract } = job;
  const place = `the coordinator at ${contract.provider.address}`;
  return { round: 0, model: readInitialModel(job, fetched.bytes, place) };
};

class Fetching {
  readonly #desk: PipeDesk;
  readonly #resolve: (fetched: Fetched) => void;
  readonly #intake: VectorIntake;
  readonly #total: number;

  constructor(job: Job, desk: PipeDesk, resolve: (fetched: Fetched) => void) {
    this.#desk = desk;
    this.#resolve = resolve;
    const { tensors } = job.contract;
    this.#total = canonicalModelBytes(tensors, new Float32Array(parameterCount(tensors))).length;
    this.#intake = new VectorIntake({ vector: "model", round: 0, byteLength: this.#total });
  }

  hear(event: DeskEvent): void {
    switch (event.type) {
      case "linked":
        return this.#desk.send(GREETING);
      case "frame":
        return this.#onFrame(event.frame);
      case "malformed":
        return this.#refuse({ code: "malformed", message: "frame" });
      case "not-sent":
        return this.#refuse({ code: "internal" });
      case "stop":
        return this.#leave({ code: event.withdraws ? "consent-withdrawn" : "stopped" });
      case "lost":
        return undefined;
    }
  }

  /** Without a model there is no seat: what the coordinator says to those who have one is said again later. */
  #onFrame(frame: CoordinatorFrame): void {
    if (frame.type === "finished")
      return this.#resolve({ type: "end", outcome: outcomeOfFinish(frame.code) });
    if (frame.type !== "chunk") return undefined;
    const taken = this.#intake.take(frame);
    switch (taken.type) {
      case "more":
        return this.#desk.tell(this.#news(taken.bytes));
      case "whole":
        this.#desk.tell(this.#news(this.#total));
        return this.#resolve({ type: "model", bytes: taken.bytes });
      case "ignored":
      case "malformed":
        return this.#refuse({ code: "malformed", message: "chunk" });
    }
  }

  #news(bytes: number): NewsOf<"fetching"> {
    return { type: "fetching", bytes, total: this.#total };
  }

  #refuse(reason: Reason): void {
    this.#desk.send(leaveFrame("refused"));
    this.#resolve({ type: "end", outcome: outcomeOfReason(reason) });
  }

  #leave(reason: { readonly code: "consent-withdrawn" | "stopped" }): void {
    this.#desk.send(leaveFrame(reason.code));
    this.#resolve({ type: "end", outcome: outcomeOfReason(reason) });
  }
}
