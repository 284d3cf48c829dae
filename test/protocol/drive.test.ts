import { drive, type Machine } from "@bulkhead/protocol";
import { describe, expect, test } from "vitest";

type Effect = { readonly type: "persist" | "send"; readonly at: number };

/** Counts its events; each asks for two effects. */
const counting: Machine<number, string, Effect> = {
  start: { state: 0, effects: [{ type: "send", at: 0 }] },
  step: (state) => ({
    state: state + 1,
    effects: [
      { type: "persist", at: state + 1 },
      { type: "send", at: state + 1 },
    ],
  }),
  isOver: (state) => state === 3,
};

const eventsOf = (count: number): AsyncIterator<string> => {
  let left = count;
  return {
    next: async () => (left-- > 0 ? { done: false, value: "tick" } : { done: true, value: undefined }),
  };
};

describe("the loop", () => {
  test("performs every effect in order, and waits for what is to be persisted before it goes on", async () => {
    const done: string[] = [];
    const end = await drive(counting, eventsOf(9), (effect) => {
      if (effect.type === "send") return void done.push(`send ${effect.at}`);
      return new Promise<void>((resolve) =>
        setTimeout(() => {
          done.push(`persist ${effect.at}`);
          resolve();
        }, 1),
      );
    });
    expect(end).toBe(3);
    expect(done).toEqual(["send 0", "persist 1", "send 1", "persist 2", "send 2", "persist 3", "send 3"]);
  });

  test("stops where the events do, with the state in which it stood", async () => {
    expect(await drive(counting, eventsOf(2), () => undefined)).toBe(2);
  });

  test("looks at no event once the machine is over", async () => {
    const over = { ...counting, start: { state: 3, effects: [] } };
    const events = { next: () => Promise.reject(new Error("asked for an event")) };
    expect(await drive(over, events, () => undefined)).toBe(3);
  });

  test("tells of every transition, with what was before and after", async () => {
    const seen: string[] = [];
    const observed = {
      ...counting,
      observe: (before: number, event: string, after: { readonly state: number }) =>
        void seen.push(`${before} ${event} ${after.state}`),
    };
    await drive(observed, eventsOf(2), () => undefined);
    expect(seen).toEqual(["0 tick 1", "1 tick 2"]);
  });

  test("ends with the error of an effect that could not be performed", async () => {
    const broken = () => Promise.reject(new Error("the disk is full"));
    await expect(drive(counting, eventsOf(2), broken)).rejects.toThrow("the disk is full");
  });
});
