/** What has to be altered in the product's coordinator so that it plays an attack, and a tap on its wire. */
import type { Secret } from "@bulkhead/base";
import type { CoordinatorMachine, CoordinatorOptions } from "@bulkhead/coordinator";
import { attemptContext, type Job, openAttempt, stepCoordinator } from "@bulkhead/protocol";
import type { Attack, Tap } from "./attacks.ts";
import type { WireTap } from "./tap.ts";

export interface Cheater {
  readonly job: Job;
  readonly providerKey: Secret;
  /** Of the model with which round 1 starts. */
  readonly initialModelHash: Uint8Array;
}

/** Without an attack everything goes out as it is. */
export const alteredBy = (
  attack: Attack | undefined,
  wire: WireTap,
  { job, providerKey, initialModelHash }: Cheater,
): Required<Pick<CoordinatorOptions, "machine" | "send" | "overhear">> => {
  const tap: Tap = {
    received: wire.received,
    sent: wire.sent,
    providerKey,
    context: (round, attempt) => attemptContext(job, { round, attempt }, initialModelHash),
  };
  return {
    machine: machineOf(attack, tap),
    send: (frame, to) => {
      const said = attack === undefined ? [frame] : attack.cheat(frame, to, tap);
      for (const one of said) wire.noteSent(one, to);
      return said;
    },
    overhear: (frame, from) => wire.noteReceived(frame, from),
  };
};

/** The product's machine; what an attack replies goes out with the effects of the same step. */
const machineOf = (attack: Attack | undefined, tap: Tap): CoordinatorMachine => ({
  open: openAttempt,
  step: (state, event) => {
    const step = stepCoordinator(state, event);
    if (event.type !== "received" || attack?.reply === undefined) return step;
    const to = event.from;
    const replies = attack.reply(event.message, to, tap);
    const said = replies.map((message) => ({ type: "send", to, message }) as const);
    return { ...step, effects: [...step.effects, ...said] };
  },
});
