import { concatBytes, ShapeError, u16, u32, u64 } from "@bulkhead/base";
import {
  CHUNK_BYTES,
  decodeClientFrame,
  decodeCoordinatorFrame,
  encodeFrame,
  LONGEST_CONTROL,
  LONGEST_FRAME,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import { chunks, clientFrames, coordinatorFrames } from "./arbitrary-messages.ts";

const packr = new Packr({ useRecords: false });
const control = (value: unknown): Uint8Array => concatBytes(Uint8Array.of(1), packr.pack(value));
const CHUNK = { type: "chunk", vector: "sum", round: 1, attempt: 2, offset: 8, total: 16 } as const;

describe("a frame", () => {
  test("of either side is read as it was written", () => {
    fc.assert(
      fc.property(clientFrames, (frame) => {
        expect(decodeClientFrame(encodeFrame(frame))).toEqual(frame);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(coordinatorFrames, (frame) => {
        expect(decodeCoordinatorFrame(encodeFrame(frame))).toEqual(frame);
      }),
      { numRuns: 300 },
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
  test("with a field that it does not have, or without one", () => {
    expect(() => decodeCoordinatorFrame(control({ type: "finished", code: "done", more: 1 }))).toThrow(
      "no such field",
    );
    expect(() => decodeCoordinatorFrame(control({ type: "finished" }))).toThrow(ShapeError);
    expect(() =>
      decodeCoordinatorFrame(control({ type: "received", round: 1, attempt: 1, bytes: -1 })),
    ).toThrow(ShapeError);
  });

  test("with lists longer than a roster, and members that cannot be", () => {
    const waiting = (members: readonly number[]) =>
      control({ type: "waiting", round: 1, attempt: 1, members });
    expect(decodeCoordinatorFrame(waiting([1, 255]))).toMatchObject({ members: [1, 255] });
    expect(() => decodeCoordinatorFrame(waiting([0]))).toThrow(ShapeError);
    expect(() => decodeCoordinatorFrame(waiting([256]))).toThrow(ShapeError);
    expect(() => decodeCoordinatorFrame(waiting(Array.from({ length: 256 }, () => 1)))).toThrow("0 to 255");
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
    const bytes = packr.pack({ type: "finished", code: "done", ["__proto__x"]: 1 });
    const at = bytes.indexOf("__proto__x");
    bytes.write("__proto__ ", at);
    expect(() => decodeCoordinatorFrame(concatBytes(Uint8Array.of(1), bytes))).toThrow(ShapeError);
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
    expect(decodeCoordinatorFrame(frame)).toEqual(message);
  }
});
