/** The contract of a link, the same for each kind. */
import { bytesToHex } from "@bulkhead/base";
import { randomBytes, sha256 } from "@bulkhead/crypto";
import { LinkClosedError, printable, type Link } from "@bulkhead/transport";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { memoryPair, securePair, webSocketPair, type LinkPair } from "./link-pairs.ts";
import { closeOf, isPending, turns, until, within } from "./wait-for.ts";

const LIMITS = { maxFrameBytes: 2 ** 17, highWaterBytes: 2 ** 16 };

const receivedBy = (link: Link): Uint8Array[] => {
  const received: Uint8Array[] = [];
  link.onMessage((message) => {
    received.push(message);
  });
  return received;
};

/** Comparing long messages byte by byte would be slow. */
const digests = (messages: readonly Uint8Array[]): readonly string[] =>
  messages.map((message) => `${message.length} ${bytesToHex(sha256(message))}`);

const numbered = (count: number): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, i) => Uint8Array.of(i % 256, i >> 8));

describe.each([
  ["memory", memoryPair],
  ["WebSocket", webSocketPair],
  ["secure", securePair],
])("a %s link", (_, makePair) => {
  let pair: LinkPair;
  beforeEach(async () => {
    pair = await makePair(LIMITS);
  });
  afterEach(() => pair.done());

  test("carries messages both ways, whole and in order, awaited or not", async () => {
    const [atA, atB] = [receivedBy(pair.a), receivedBy(pair.b)];
    const messages = [...numbered(300), new Uint8Array(0), randomBytes(LIMITS.maxFrameBytes)];
    await Promise.all(messages.map((message) => pair.a.send(message.slice())));
    for (const message of messages) await pair.b.send(message.slice());
    await until("all messages", () => atA.length === messages.length && atB.length === messages.length);
    expect(digests(atA)).toEqual(digests(messages));
    expect(digests(atB)).toEqual(digests(messages));
  });

  test("keeps messages until there is a receiver", async () => {
    for (const message of numbered(20)) await pair.a.send(message);
    await turns();
    const atB = receivedBy(pair.b);
    await until("the messages", () => atB.length === 20);
    expect(atB).toEqual(numbered(20));
  });

  test("waits for the promise of each message before it hands over the next", async () => {
    const taken: number[] = [];
    let release: () => void = () => undefined;
    pair.b.onMessage((message) => {
      taken.push(message[0] ?? -1);
      return new Promise((resolve) => {
        release = resolve;
      });
    });
    for (const message of numbered(3)) await pair.a.send(message);
    for (const expected of [[0], [0, 1], [0, 1, 2]]) {
      await until("the next message", () => taken.length === expected.length);
      await turns(5);
      expect(taken).toEqual(expected);
      release();
    }
  });

  test("holds a sender back while the receiver does not take, and lets it go on when it does", async () => {
    let release: () => void = () => undefined;
    let taken = 0;
    pair.b.onMessage(() => {
      taken += 1;
      return new Promise((resolve) => {
        release = resolve;
      });
    });
    const half = new Uint8Array(LIMITS.maxFrameBytes / 2);
    let sent = 0;
    let held: Promise<void> = Promise.resolve();
    for (; !(await isPending(held)); sent += 1) {
      expect(sent).toBeLessThan(1000);
      held = pair.a.send(half.slice());
    }
    expect(taken).toBe(1);
    const releasing = setInterval(() => {
      release();
    }, 0);
    await within("the sender to go on", held).finally(() => {
      clearInterval(releasing);
    });
    expect(taken).toBeGreaterThan(1);
  });

  test("tells both sides once why it ended", async () => {
    const [a, b] = [closeOf(pair.a), closeOf(pair.b)];
    pair.a.close("bye\u0007 \u00e9");
    pair.a.close("again");
    expect(await a).toEqual({ type: "closed-by-us" });
    expect(await b).toEqual({ type: "closed-by-peer", code: 1000, text: "bye? ?" });
    expect(await closeOf(pair.b)).toEqual({ type: "closed-by-peer", code: 1000, text: "bye? ?" });
  });

  test("hands over what was sent before the close, then tells of the close", async () => {
    const told: string[] = [];
    for (const message of numbered(50)) void pair.a.send(message);
    pair.a.close();
    await turns();
    pair.b.onClose(({ type }) => told.push(type));
    pair.b.onMessage((message) => {
      told.push(String(message[0]));
      return turns(1);
    });
    await until("the close", () => told.includes("closed-by-peer"));
    expect(told).toEqual([...Array.from({ length: 50 }, (_ignored, i) => String(i)), "closed-by-peer"]);
  });

  test("refuses to send once it is closed, and lets go of senders that wait", async () => {
    pair.b.onMessage(() => new Promise(() => undefined));
    const half = new Uint8Array(LIMITS.maxFrameBytes / 2);
    let held: Promise<void> = Promise.resolve();
    while (!(await isPending(held))) held = pair.a.send(half.slice());
    pair.b.close();
    await closeOf(pair.a);
    expect(await isPending(held)).toBe(false);
    await expect(pair.a.send(half)).rejects.toBeInstanceOf(LinkClosedError);
    await expect(pair.b.send(half)).rejects.toBeInstanceOf(LinkClosedError);
  });

  test("refuses a message that is too long, and goes on", async () => {
    const atB = receivedBy(pair.b);
    await expect(pair.a.send(new Uint8Array(pair.a.maxMessageBytes + 1))).rejects.toThrow(RangeError);
    await pair.a.send(new Uint8Array(pair.a.maxMessageBytes));
    await until("the longest message", () => atB.length === 1);
    expect(atB[0]?.length).toBe(pair.a.maxMessageBytes);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("bug");
      },
    ],
    ["rejects", () => Promise.reject(new Error("bug"))],
  ])("ends when its receiver %s", async (_how, receive) => {
    pair.b.onMessage(receive);
    void pair.a.send(Uint8Array.of(1));
    void pair.a.send(Uint8Array.of(2));
    expect(await closeOf(pair.b)).toEqual({ type: "receiver-failed", error: new Error("bug") });
    expect((await closeOf(pair.a)).type).toBe("closed-by-peer");
  });
});

describe.each([
  ["memory", memoryPair],
  ["secure", securePair],
])("a %s link", (_, makePair) => {
  test("whose receiver hangs still hands over what it has read, and tells of the close", async () => {
    const { a, b } = await makePair(LIMITS);
    const taken: Uint8Array[] = [];
    b.onMessage((message) => {
      taken.push(message);
      return new Promise(() => undefined);
    });
    for (const message of numbered(5)) void a.send(message);
    a.close();
    expect((await closeOf(b)).type).toBe("closed-by-peer");
    expect(taken).toEqual(numbered(5));
  });
});

test("a stranger's text is shown as short printable ASCII", () => {
  expect(printable(`a\u001b[31m\n${"x".repeat(200)}`)).toBe(`a?[31m?${"x".repeat(73)}`);
});
