import { concatBytes, ShapeError, u16, u32, u64, utf8 } from "@bulkhead/base";
import {
  CHUNK_BYTES,
  decodeClientFrame,
  decodeCoordinatorFrame,
  encodeFrame,
  isSameMessage,
  LONGEST_CONTROL,
  LONGEST_FRAME,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chunks, clientFrames, coordinatorFrames } from "./arbitrary-messages.ts";

/** A frame in which one text stands in the place of another of the same length. */
const respelt = (frame: Uint8Array, was: string, is: string): Uint8Array => {
  const at = Buffer.from(frame).indexOf(was);
  expect(at).toBeGreaterThan(0);
  const copy = Uint8Array.from(frame);
  copy.set(utf8(is), at);
  return copy;
};
const CHUNK = { type: "chunk", vector: "sum", round: 1, attempt: 2, offset: 8, total: 16 } as const;

describe("a frame", () => {
  test("of either side is read as it was written", () => {
    fc.assert(
      fc.property(clientFrames, (frame) => {
        expect(decodeClientFrame(encodeFrame(frame))).toEqual(frame);
      }),
      { numRuns: 60 },
    );
    fc.assert(
      fc.property(coordinatorFrames, (frame) => {
        expect(decodeCoordinatorFrame(encodeFrame(frame))).toEqual(frame);
      }),
      { numRuns: 60 },
    );
  });

  test("of one side is none of the other's, but for chunks", () => {
    const leave = encodeFrame({ type: "leave", round: 1, attempt: 1, code: "stopped" });
    expect(() => decodeCoordinatorFrame(leave)).toThrow(ShapeError);
    expect(() => decodeClientFrame(encodeFrame({ type: "finished", code: "done" }))).toThrow(ShapeError);
  });

  test("of no known kind, or empty, is refused", () => {
    for (const bytes of [[], [0], [3, 1, 2], [255]])
      expect(() => decodeClientFrame(Uint8Array.from(bytes))).toThrow("a control message or a chunk");
  });
});

describe("a control message is refused", () => {
  const done = encodeFrame({ type: "finished", code: "done" });
  const waiting = (count: number) =>
    encodeFrame({
      type: "waiting",
      round: 1,
      attempt: 1,
      members: Array.from({ length: count }, () => memberId(7)),
    });

  test("with a field that it does not have, without one, or with a value that it cannot have", () => {
    const more = Object.assign({ type: "finished", code: "done" } as const, { more: 1 });
    expect(() => decodeCoordinatorFrame(encodeFrame(more))).toThrow("more: expected no such field");
    expect(() => decodeCoordinatorFrame(respelt(done, "code", "cope"))).toThrow(ShapeError);
    expect(() => decodeCoordinatorFrame(respelt(done, "done", "dope"))).toThrow("one of done");
    expect(() => decodeCoordinatorFrame(respelt(done, "finished", "polished"))).toThrow(ShapeError);
    const negative = encodeFrame({ type: "received", round: 1, attempt: 1, bytes: -1 });
    expect(() => decodeCoordinatorFrame(negative)).toThrow(ShapeError);
  });

  test("with lists longer than a roster, and members that cannot be", () => {
    expect(decodeCoordinatorFrame(waiting(255))).toMatchObject({ type: "waiting" });
    expect(() => decodeCoordinatorFrame(waiting(256))).toThrow("0 to 255");
    const none = waiting(1).map((byte, i, all) => (i === all.length - 1 ? 0 : byte));
    expect(() => decodeCoordinatorFrame(none)).toThrow("an integer from 1 to 255");
  });

  test("that is too long, before it is unpacked", () => {
    const long = new Uint8Array(LONGEST_CONTROL + 2);
    long[0] = 1;
    expect(() => decodeClientFrame(long)).toThrow(`at most ${LONGEST_CONTROL} bytes`);
  });

  test("that claims to be deeper or longer than it is", () => {
    expect(() => decodeClientFrame(Uint8Array.of(1, 0xdd, 0xff, 0xff, 0xff, 0xff))).toThrow(ShapeError);
    expect(() => decodeClientFrame(Uint8Array.of(1, 0xc6, 0xff, 0xff, 0xff, 0xff))).toThrow(ShapeError);
    expect(() => decodeClientFrame(new Uint8Array(100_000).fill(0x91).fill(1, 0, 1))).toThrow(ShapeError);
  });

  test("with a name that would become a prototype", () => {
    const more = Object.assign({ type: "finished", code: "done" } as const, { __prota__: 1 });
    const frame = respelt(encodeFrame(more), "__prota__", "__proto__");
    expect(() => decodeCoordinatorFrame(frame)).toThrow(ShapeError);
  });
});

describe("a control message of MessagePack's extensions is refused unread", () => {
  const field = (value: readonly number[]): Uint8Array =>
    Uint8Array.from([1, 0x81, 0xa4, ...utf8("type"), ...value]);
  const refused = (value: readonly number[]) =>
    expect(() => decodeCoordinatorFrame(field(value))).toThrow("value: expected MessagePack");

  test("where references make a tree of a few bytes, which would double with each of its levels", () => {
    const named = (id: number) => [0xd6, 0x69, 0, 0, 0, id];
    const again = (id: number) => [0xd6, 0x70, 0, 0, 0, id];
    const levels = [1, 2, 3, 4];
    refused([
      ...levels.toReversed().flatMap((level) => [...named(level), 0x92]),
      ...named(0),
      0x90,
      ...levels.flatMap((level) => again(level - 1)),
    ]);
  });

  test("where it carries a set, an error, an expression, a time or numbers of another width", () => {
    refused([0xd4, 0x73, 0, 0x91, 0xc0]);
    refused([0xd4, 0x65, 0, 0x92, 0xa5, ...utf8("Error"), 0xa1, 0x78]);
    refused([0xd4, 0x78, 0, 0x92, 0xa1, 0x78, 0xa0]);
    refused([0xd6, 0xff, 0, 0, 0, 1]);
    refused([0xd5, 0x74, 0, 1]);
  });
});

describe("bytes in a message", () => {
  test("are a copy: they neither pin the frame nor change with it", () => {
    const wire = encodeFrame({
      type: "plan",
      payload: Uint8Array.of(1, 2, 3),
      signature: new Uint8Array(64),
    });
    const plan = decodeCoordinatorFrame(wire);
    wire.fill(0);
    if (plan.type !== "plan") throw new Error("read a plan");
    expect([...plan.payload]).toEqual([1, 2, 3]);
    expect(plan.payload.buffer.byteLength).toBe(3);
    expect(plan.payload).not.toBeInstanceOf(Buffer);
  });
});

describe("a chunk", () => {
  const wire = (offset: number, total: number, bytes: Uint8Array, vector = 1) =>
    concatBytes(
      Uint8Array.of(2, vector),
      u32.write(1),
      u16.write(2),
      u64.write(offset),
      u64.write(total),
      bytes,
    );

  test("is raw bytes behind a head of fixed length", () => {
    const bytes = Uint8Array.of(5, 6);
    expect(encodeFrame({ ...CHUNK, bytes })).toEqual(wire(8, 16, bytes));
    fc.assert(
      fc.property(chunks, (chunk) => {
        expect(encodeFrame(chunk).length).toBe(24 + chunk.bytes.length);
      }),
    );
  });

  test("is refused empty, too long, of no known vector, or beyond the end of its vector", () => {
    expect(() => decodeClientFrame(wire(0, 16, new Uint8Array()))).toThrow(ShapeError);
    expect(() => decodeClientFrame(wire(0, 2 ** 40, new Uint8Array(CHUNK_BYTES + 1)))).toThrow(ShapeError);
    expect(() => decodeClientFrame(wire(0, 16, new Uint8Array(4), 3))).toThrow("a known vector");
    expect(() => decodeClientFrame(wire(13, 16, new Uint8Array(4)))).toThrow("a piece inside the vector");
    expect(() => decodeClientFrame(wire(8, 16, new Uint8Array(4)).subarray(0, 20))).toThrow(ShapeError);
    expect(() => decodeClientFrame(wire(8, 16, new Uint8Array(4)).fill(0xff, 8, 16))).toThrow(ShapeError);
  });

  test("and the longest control message fit the longest frame", () => {
    expect(encodeFrame({ ...CHUNK, total: 2 ** 40, bytes: new Uint8Array(CHUNK_BYTES) }).length).toBeLessThan(
      LONGEST_FRAME,
    );
    expect(LONGEST_CONTROL + 1).toBeLessThan(LONGEST_FRAME);
  });
});

test("the messages of the largest roster fit a control message", () => {
  const roster = Array.from({ length: 255 }, (_, i) => memberId(i + 1));
  const signature = new Uint8Array(64);
  // Advert 128 bytes; a sealed box of two shares with proofs of depth nine and its head.
  const box = new Uint8Array(32 * 3 + 2 * (4 + 9 * 32) + 16);
  const all = [
    {
      type: "roster",
      round: 1,
      attempt: 1,
      adverts: roster.map((from) => ({ from, payload: new Uint8Array(128), signature })),
    },
    {
      type: "inbox",
      round: 1,
      attempt: 1,
      shares: roster.map((owner) => ({ owner, payload: new Uint8Array(64), signature, box })),
    },
    {
      type: "survivors",
      round: 1,
      attempt: 1,
      trailers: roster.map((from) => ({ from, payload: new Uint8Array(72), signature })),
    },
  ] as const;
  for (const message of all) {
    const frame = encodeFrame(message);
    expect(frame.length, message.type).toBeLessThan(LONGEST_CONTROL);
    expect(isSameMessage(decodeCoordinatorFrame(frame), message)).toBe(true);
  }
});
