import { payloadOf, ringLayout } from "@bulkhead/secagg";
import fc from "fast-check";
import { expect, test } from "vitest";

test("payload is split in order into segments that start and end with eight check lanes", () => {
  expect(ringLayout({ laneBits: 16, payloadLanes: 10, segmentPayloadLanes: 4 })).toEqual({
    laneBits: 16,
    payloadLanes: 10,
    segmentLanes: [20, 20, 18],
    lanes: 58,
    byteLength: 116,
  });
  expect(ringLayout({ laneBits: 32, payloadLanes: 8, segmentPayloadLanes: 4 })).toMatchObject({
    segmentLanes: [20, 20],
    byteLength: 160,
  });
  expect(ringLayout({ laneBits: 16, payloadLanes: 3, segmentPayloadLanes: 1_000 })).toMatchObject({
    segmentLanes: [19],
  });
});

const sizes = fc.record({
  laneBits: fc.constantFrom(16 as const, 32 as const),
  payloadLanes: fc.integer({ min: 1, max: 300 }),
  segmentPayloadLanes: fc.integer({ min: 1, max: 90 }),
});

test("the payload of a vector is its lanes without the check lanes, and a copy", () => {
  fc.assert(
    fc.property(sizes, (size) => {
      const layout = ringLayout(size);
      const width = size.laneBits / 8;
      const bytes = new Uint8Array(layout.byteLength);
      let payload = 0;
      let at = 0;
      for (const lanes of layout.segmentLanes)
        for (let lane = 0; lane < lanes; lane++, at += width)
          if (lane >= 8 && lane < lanes - 8)
            for (let i = 0; i < width; i++) bytes[at + i] = 1 + (payload++ % 255);
      expect(at).toBe(layout.byteLength);
      expect(payload).toBe(size.payloadLanes * width);
      const copy = payloadOf(layout, bytes);
      expect(copy).toEqual(Uint8Array.from({ length: payload }, (_, i) => 1 + (i % 255)));
      bytes.fill(0);
      expect(copy[0]).toBe(1);
    }),
    { numRuns: 100, seed: 1 },
  );
});

test("an empty vector and bytes of another length are refused", () => {
  expect(() => ringLayout({ laneBits: 16, payloadLanes: 0, segmentPayloadLanes: 4 })).toThrow(
    "broken invariant",
  );
  expect(() => ringLayout({ laneBits: 16, payloadLanes: 4, segmentPayloadLanes: 0 })).toThrow(
    "broken invariant",
  );
  const layout = ringLayout({ laneBits: 16, payloadLanes: 4, segmentPayloadLanes: 4 });
  expect(() => payloadOf(layout, new Uint8Array(layout.byteLength + 2))).toThrow("broken invariant");
});
