/** What everybody in a story shares. */
import type {
  ClientEffect,
  ClientEvent,
  ClientState,
  CoordinatorEffect,
  CoordinatorEvent,
  CoordinatorState,
  Description,
  Job,
  Reason,
  Step,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { Federation } from "./federation.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** One transition of a machine, with whose it was. */
export type Transition =
  | {
      readonly who: MemberId;
      readonly before: ClientState;
      readonly event: ClientEvent;
      readonly after: Step<ClientState, ClientEffect>;
    }
  | {
      readonly who: "coordinator";
      readonly before: CoordinatorState;
      readonly event: CoordinatorEvent;
      readonly after: Step<CoordinatorState, CoordinatorEffect>;
    };

export interface LogLine extends Description {
  readonly at: number;
  readonly who: MemberId | "coordinator";
}

/** Bytes that must never be seen outside, kept for a test that looks for them. */
export interface KeptSecret {
  readonly what: string;
  readonly bytes: Uint8Array;
}

export interface World {
  readonly seed: string;
  readonly job: Job;
  readonly federation: Federation;
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly saw: (transition: Transition) => void;
  readonly keepSecret: (what: string, bytes: Uint8Array) => void;
}

/** How a member's story ends. */
export type MemberEnd =
  | { readonly type: "done" | "failed" | "stopped" }
  | { readonly type: "refused"; readonly reason: Reason }
  /** It stands somewhere and waits. */
  | { readonly type: "waiting"; readonly stage: string }
  | { readonly type: "dead" };
