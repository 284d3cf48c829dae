import { packRows, padRows, type TokenRow } from "@bulkhead/finetune";
import fc from "fast-check";
import { expect, test } from "vitest";

const row = (index: number, length: number): TokenRow => ({
  row: index,
  ids: Int32Array.from({ length }, (_, i) => 100 * index + i),
  learn: Uint8Array.from({ length }, (_, i) => (i > 0 ? 1 : 0)),
  cut: 0,
});

test("padding stands behind each row, is not learned and is in no segment", () => {
  const { ids, learn, segments, positions, sequences } = padRows([row(1, 2), row(2, 3)], {
    pad: 9,
    length: 4,
  });
  expect(sequences).toBe(2);
  expect([...ids]).toEqual([100, 101, 9, 9, 200, 201, 202, 9]);
  expect([...learn]).toEqual([0, 1, 0, 0, 0, 1, 1, 0]);
  expect([...segments]).toEqual([1, 1, 0, 0, 1, 1, 1, 0]);
  expect([...positions]).toEqual([0, 1, 0, 0, 0, 1, 2, 0]);
});

test("short rows share a sequence, each a segment with places of its own", () => {
  const { ids, segments, positions, sequences } = packRows([row(1, 2), row(2, 3), row(3, 1)], {
    pad: 9,
    length: 5,
  });
  expect(sequences).toBe(2);
  expect([...ids]).toEqual([200, 201, 202, 100, 101, 300, 9, 9, 9, 9]);
  expect([...segments]).toEqual([1, 1, 1, 2, 2, 1, 0, 0, 0, 0]);
  expect([...positions]).toEqual([0, 1, 2, 0, 1, 0, 0, 0, 0, 0]);
});

test("packing loses nothing, doubles nothing, and needs less than two half-full sequences", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(lengths, (all) => {
      const rows = all.map((length, i) => row(i + 1, length));
      const batch = packRows(rows, { pad: -1, length: 20 });
      const found = [...batch.ids].filter((id) => id >= 0);
      expect(found.sort((a, b) => a - b)).toEqual(rows.flatMap(({ ids }) => [...ids]).sort((a, b) => a - b));
      for (const [i, id] of batch.ids.entries()) {
        expect(batch.segments[i] === 0).toBe(id < 0);
        expect(batch.positions[i]).toBe(id < 0 ? 0 : id % 100);
        expect(batch.learn[i]).toBe(id >= 0 && id % 100 > 0 ? 1 : 0);
      }
      const filled = Array.from(
        { length: batch.sequences },
        (_, s) => batch.segments.subarray(20 * s, 20 * s + 20).filter(Boolean).length,
      );
      expect(filled.filter((count) => count <= 10).length).toBeLessThan(2);
      expect(packRows(rows, { pad: -1, length: 20 })).toEqual(batch);
    }),
    { numRuns: 60 },
  );
});

test("a row that does not fit is the caller's mistake", () => {
  expect(() => padRows([row(1, 3)], { pad: 0, length: 2 })).toThrow(RangeError);
  expect(() => packRows([row(1, 3)], { pad: 0, length: 2 })).toThrow(RangeError);
});
