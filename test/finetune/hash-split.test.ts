import { fnv1a, isForTesting, splitRows } from "@bulkhead/finetune";
import fc from "fast-check";
import { expect, test } from "vitest";

const bytes = (text: string) => new TextEncoder().encode(text);

test("FNV-1a gives the values of its authors' test suite", () => {
  expect(["", "a", "foobar"].map((text) => fnv1a(bytes(text)))).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
});

test("a row's side depends on its key alone", () => {
  const keys = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(
      keys,
      fc.constantFrom("fnv1a-32" as const, "sha256" as const),
      fc.nat(20),
      (texts, hash, drop) => {
        const split = { key: "id", hash, oneIn: 3, salt: "s" };
        const rows = texts.map((id) => ({ id, other: "x" }));
        const { train, test: held } = splitRows(rows, split);
        expect([...train, ...held].sort((a, b) => a - b)).toEqual(rows.map((_, i) => i));
        const fewer = rows.filter((_, i) => i !== drop).toReversed();
        const again = splitRows(fewer, split);
        for (const i of again.test) expect(held.map((at) => rows[at]!.id)).toContain(fewer[i]!.id);
        for (const i of again.train) expect(train.map((at) => rows[at]!.id)).toContain(fewer[i]!.id);
      },
    ),
    { numRuns: 50 },
  );
});

test.each(["fnv1a-32", "sha256"] as const)("about one key in four is for testing: %s", (hash) => {
  const held = Array.from({ length: 4000 }, (_, i) => isForTesting(`key ${i}`, { key: "k", hash, oneIn: 4 }));
  expect(held.filter(Boolean).length).toBeGreaterThan(900);
  expect(held.filter(Boolean).length).toBeLessThan(1100);
});

test("another salt is another split, and a number is a key", () => {
  const sides = (salt: string) =>
    Array.from({ length: 64 }, (_, i) =>
      isForTesting(String(i), { key: "k", hash: "sha256", oneIn: 2, salt }),
    ).join();
  expect(sides("a")).not.toBe(sides("b"));
  expect(splitRows([{ k: 7 }], { key: "k", hash: "fnv1a-32", oneIn: 1 }).test).toEqual([0]);
});

test("a row without the key is named", () => {
  expect(() => splitRows([{ k: "a" }, { other: 1 }], { key: "k", hash: "sha256", oneIn: 2 })).toThrow(
    expect.objectContaining({ name: "InputError", place: "row 2", problem: expect.stringContaining('"k"') }),
  );
});
