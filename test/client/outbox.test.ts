import { Outbox } from "@bulkhead/client";
import { describe, expect, test } from "vitest";

const frame = (number: number): Uint8Array => Uint8Array.of(number);

describe("the cell's outbox", () => {
  test.each([0, 1, 2, 3, 4, 5, 6])(
    "hands on what is added %i microtasks after the rest, however soon that was taken",
    async (microtasks) => {
      const sent: number[] = [];
      const outbox = new Outbox(async (bytes) => void sent.push(bytes[0]!));
      outbox.stream([frame(1), frame(2)].values());
      for (let i = 0; i < microtasks; i++) await Promise.resolve();
      outbox.post(frame(3));
      await outbox.drained();
      expect(sent).toEqual([1, 2, 3]);
    },
  );

  test("sends one after the other", async () => {
    const taken: (() => void)[] = [];
    const outbox = new Outbox(() => new Promise((resolve) => taken.push(resolve)));
    outbox.post(frame(1));
    outbox.post(frame(2));
    await Promise.resolve();
    expect(taken).toHaveLength(1);
    taken[0]!();
    await expect.poll(() => taken.length).toBe(2);
  });

  test("forgets what waits when it is cleared", async () => {
    const sent: number[] = [];
    let takeFirst = (): void => undefined;
    const outbox = new Outbox((bytes) => {
      sent.push(bytes[0]!);
      return new Promise((resolve) => (takeFirst = resolve));
    });
    outbox.post(frame(1));
    outbox.post(frame(2));
    outbox.clear();
    takeFirst();
    await outbox.drained();
    expect(sent).toEqual([1]);
  });
});
