import { Mailbox } from "@bulkhead/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const readAll = async <T>(mailbox: Mailbox<T>): Promise<readonly T[]> => {
  const items: T[] = [];
  for await (const item of mailbox) items.push(item);
  return items;
};

describe("a mailbox", () => {
  test("gives items in order of arrival, whether they or the reader came first", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 30 }), async (yields) => {
        const mailbox = new Mailbox<number>();
        const read = readAll(mailbox);
        for (const [i, yielding] of yields.entries()) {
          mailbox.post(i);
          if (yielding) await Promise.resolve();
        }
        mailbox.close();
        expect(await read).toEqual(yields.map((_, i) => i));
      }),
    );
  });

  test("delivers what waits after it is closed, and drops what comes later", async () => {
    const mailbox = new Mailbox<string>();
    mailbox.post("first");
    mailbox.post("second");
    mailbox.close();
    mailbox.post("late");
    expect(mailbox.size).toBe(2);
    expect(await readAll(mailbox)).toEqual(["first", "second"]);
    expect(await mailbox.next()).toEqual({ value: undefined, done: true });
  });

  test("ends a reader that waits", async () => {
    const mailbox = new Mailbox<string>();
    const waiting = mailbox.next();
    mailbox.close();
    mailbox.close();
    expect(await waiting).toEqual({ value: undefined, done: true });
  });

  test("holds undefined as an item like any other", async () => {
    const mailbox = new Mailbox<undefined>();
    mailbox.post(undefined);
    expect(await mailbox.next()).toEqual({ value: undefined, done: false });
  });

  test("has one reader", async () => {
    const mailbox = new Mailbox<string>();
    const first = mailbox.next();
    expect(() => mailbox.next()).toThrow("one reader");
    mailbox.post("a");
    expect(await first).toEqual({ value: "a", done: false });
  });

  test("goes on after a loop that was left", async () => {
    const mailbox = new Mailbox<number>();
    for (const item of [1, 2, 3]) mailbox.post(item);
    mailbox.close();
    // oxlint-disable-next-line eslint/no-unreachable-loop -- leaving at once is what is tested
    for await (const item of mailbox) {
      expect(item).toBe(1);
      break;
    }
    expect(await readAll(mailbox)).toEqual([2, 3]);
  });
});
