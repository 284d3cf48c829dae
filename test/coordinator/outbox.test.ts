import { setTimeout as sleep } from "node:timers/promises";
import { type CoordinatorFrame, decodeCoordinatorFrame, encodeFrame } from "@bulkhead/protocol";
import { expect, test } from "vitest";
import { Outbox, type OutboxOptions } from "@bulkhead/coordinator";

const message = (round: number): CoordinatorFrame => ({ type: "excluded", round, attempt: 1 });
const chunk = (offset: number): CoordinatorFrame => ({
  type: "chunk",
  vector: "sum",
  round: 1,
  attempt: 1,
  offset,
  total: 100,
  bytes: new Uint8Array(10),
});
async function* chunks(count: number) {
  for (let i = 0; i < count; i++) yield chunk(10 * i);
}

const newOutbox = (options: Partial<OutboxOptions> = {}) => {
  const sent: CoordinatorFrame[] = [];
  const events: string[] = [];
  let bytes = 0;
  const outbox = new Outbox({
    longest: 1000,
    send: async (frame) => {
      await sleep(0);
      sent.push(decodeCoordinatorFrame(frame));
    },
    onSent: (length) => {
      bytes += length;
    },
    onOverflow: () => void events.push("overflow"),
    onFailure: () => void events.push("failure"),
    ...options,
  });
  return { outbox, sent, events, bytes: () => bytes };
};

test("messages and vectors go out in the order in which they were given", async () => {
  const { outbox, sent, bytes } = newOutbox();
  outbox.post(message(1));
  outbox.stream(chunks(3));
  outbox.post(message(2));
  await outbox.drained();
  expect(sent).toEqual([message(1), chunk(0), chunk(10), chunk(20), message(2)]);
  expect(bytes()).toBe(sent.reduce((sum, frame) => sum + encodeFrame(frame).length, 0));
});

test("a member that does not read fills its own outbox, which closes", async () => {
  const { outbox, events } = newOutbox({ send: () => new Promise(() => undefined) });
  for (let round = 1; round < 100 && events.length === 0; round++) outbox.post(message(round));
  expect(events).toEqual(["overflow"]);
  outbox.post(message(1));
  expect(events).toEqual(["overflow"]);
});

test("a long vector is read no faster than it goes out, and counts nothing while it waits", async () => {
  let read = 0;
  async function* counted() {
    for (let i = 0; i < 50; i++) {
      read += 1;
      yield chunk(10 * (i % 9));
    }
  }
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { outbox, events } = newOutbox({ longest: 100, send: () => gate });
  outbox.stream(counted());
  await sleep(5);
  expect(read).toBe(1);
  open();
  await outbox.drained();
  expect(read).toBe(50);
  expect(events).toEqual([]);
});

test("when the session is over nothing more is read or sent", async () => {
  let read = 0;
  async function* counted() {
    for (;;) {
      read += 1;
      yield chunk(0);
    }
  }
  const { outbox } = newOutbox({ send: () => Promise.reject(new Error("session over")) });
  outbox.stream(counted());
  outbox.post(message(1));
  await outbox.drained();
  expect(read).toBeLessThan(3);
});

test("a vector that cannot be read is a failure of ours, and is told", async () => {
  async function* broken() {
    yield chunk(0);
    throw new Error("disk");
  }
  const { outbox, events } = newOutbox();
  outbox.stream(broken());
  await outbox.drained();
  expect(events).toEqual(["failure"]);
});
