import { VirtualClock } from "@bulkhead/simulation";
import { expect, test } from "vitest";

test("actions run in the order of their time, and of one time in the order in which they were asked for", () => {
  const clock = new VirtualClock();
  const done: string[] = [];
  const note = (what: string) => () => void done.push(`${what} ${clock.now}`);
  clock.after(20, note("late"));
  clock.after(5, () => {
    note("first")();
    clock.after(0, note("at once"));
    clock.after(15, note("later"));
  });
  clock.after(5, note("second"));
  clock.after(7, note("cancelled")).cancel();
  clock.run(10);
  expect(done).toEqual(["first 5", "second 5", "at once 5", "late 20", "later 20"]);
  expect([clock.now, clock.passed]).toEqual([20, 5]);
});

test("what never ends is an error", () => {
  const clock = new VirtualClock();
  const again = (): void => void clock.after(1, again);
  again();
  expect(() => clock.run(100)).toThrow("more than 100 actions");
});
