/** The one loop that runs either machine. */
import type { Step } from "./step.ts";

export interface Machine<State, Event, Effect> {
  readonly start: Step<State, Effect>;
  readonly step: (state: State, event: Event) => Step<State, Effect>;
  readonly isOver: (state: State) => boolean;
  /** Hears of every transition; throws nothing, keeps nothing. */
  readonly observe?: (before: State, event: Event, after: Step<State, Effect>) => void;
}

/**
 * Runs `machine` to its end: every effect is performed, in order, before the next event is looked at. `perform` gives a
 * promise only where the next effect must wait (`persist`); work that takes time is started and reports by an event.
 */
export const drive = async <State, Event, Effect>(
  machine: Machine<State, Event, Effect>,
  events: AsyncIterator<Event>,
  perform: (effect: Effect) => void | Promise<void>,
): Promise<State> => {
  let { state, effects } = machine.start;
  for (;;) {
    for (const effect of effects) await perform(effect);
    if (machine.isOver(state)) return state;
    const next = await events.next();
    if (next.done === true) return state;
    const after = machine.step(state, next.value);
    machine.observe?.(state, next.value, after);
    ({ state, effects } = after);
  }
};
