import { InputError } from "@bulkhead/base";
import { openThreadCalls } from "@bulkhead/compute";
import { expect, test } from "vitest";
import { runnable } from "../launch.ts";

const ANSWERING = runnable(new URL("../compute/threads/answering.ts", import.meta.url));

test("calls are answered, each with its own answer, and a call that throws is one that rejects", async () => {
  const thread = openThreadCalls(ANSWERING);
  try {
    const never = thread.call("wait");
    never.catch(() => {});
    expect(await Promise.all([1, 2, 3].map((n) => thread.call(n)))).toEqual([2, 3, 4]);
    await expect(thread.call("throw")).rejects.toThrow("as asked");
    await expect(thread.call("throw text")).rejects.toThrow("as asked");
    await expect(thread.call(() => {})).rejects.toThrow("could not be cloned");
    expect(await thread.call(7)).toBe(8);
  } finally {
    await thread.close();
  }
});

test.each([
  ["die", "told to"],
  ["exit", "ended by itself, with code 3"],
])("a thread that ends rejects the calls that are open and all that follow: %s", async (request, reason) => {
  const thread = openThreadCalls(ANSWERING);
  const waiting = [thread.call("wait"), thread.call("wait"), thread.call(request)];
  await Promise.all(waiting.map((call) => expect(call).rejects.toThrow(reason)));
  await expect(thread.call(1)).rejects.toThrow(reason);
  await thread.close();
});

test("bad input is bad input on this side too, in all its parts", async () => {
  const thread = openThreadCalls(ANSWERING);
  const error: unknown = await thread.call("refuse").catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  expect(error).toMatchObject({
    code: "data-label",
    place: "row 7",
    problem: "it has no label",
    cure: "give it one",
    message: "row 7: it has no label (give it one)",
  });
  await thread.close();
});

test("closing rejects the calls that are open", async () => {
  const thread = openThreadCalls(ANSWERING);
  const waiting = expect(thread.call("wait")).rejects.toThrow("closed");
  await thread.close();
  await waiting;
  await expect(thread.call(1)).rejects.toThrow("closed");
});
