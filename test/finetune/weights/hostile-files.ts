/** Model files that lie: sound ones of which numbers and names are others, for tests that change bytes in them too. */
import { concatBytes, utf8 } from "@bulkhead/base";
import fc from "fast-check";
import { type GFile, ggufFile, gText, type GTensor, SOUND, u32, u32Pair, u64 } from "./gguf-file.ts";

const small = fc.constantFrom(0, 1, 2, 3, 7, 13, 31, 33, 256, 65_536, 2 ** 31, 2 ** 32 - 1);
const large = fc.oneof(
  small,
  fc.constantFrom(2n ** 32n, 2n ** 40n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);

type Lie = (file: GFile) => GFile;

/** Of one of the tensors. */
const aboutTensor = (lie: fc.Arbitrary<(tensor: GTensor) => Partial<GTensor>>): fc.Arbitrary<Lie> =>
  fc.tuple(fc.nat(3), lie).map(([which, change]) => (file) => ({
    ...file,
    tensors: file.tensors!.map((tensor, i) => (i === which ? { ...tensor, ...change(tensor) } : tensor)),
  }));

/** A value more, wherever it comes. */
const morePair = (type: fc.Arbitrary<number>, value: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Lie> =>
  fc.tuple(type, value, fc.nat(8)).map(([kind, bytes, at]) => (file) => ({
    ...file,
    pairs: file.pairs!.toSpliced(at, 0, { key: `more${at}`, type: kind, value: bytes }),
  }));

const array = fc.tuple(small, large).map(([type, length]) => concatBytes(u32(type), u64(length)));

const LIES: readonly fc.Arbitrary<Lie>[] = [
  small.map((version) => (file) => ({ ...file, version })),
  large.map((tensorCount) => (file) => ({ ...file, tensorCount })),
  large.map((pairCount) => (file) => ({ ...file, pairCount })),
  small.map((alignment) => (file) => ({
    ...file,
    pairs: [...file.pairs!, u32Pair("general.alignment", alignment)],
  })),
  fc.constantFrom(16, 64, 128).map((alignment) => (file) => ({
    ...file,
    alignment,
    pairs: [...file.pairs!, u32Pair("general.alignment", alignment)],
  })),
  fc.nat(100).map((after) => (file) => ({ ...file, after })),
  fc.nat(7).map((which) => (file) => ({ ...file, pairs: [...file.pairs!, file.pairs![which]!] })),
  morePair(fc.nat(14), fc.uint8Array({ maxLength: 12 })),
  morePair(
    fc.constant(8),
    large.map((length) => gText("text", length)),
  ),
  morePair(fc.constant(9), array),
  morePair(
    fc.constant(9),
    fc.array(array, { maxLength: 6 }).map((arrays) => concatBytes(...arrays)),
  ),
  aboutTensor(large.map((offset) => () => ({ offset }))),
  aboutTensor(small.map((type) => () => ({ type }))),
  aboutTensor(fc.nat(40).map((type) => () => ({ type }))),
  aboutTensor(small.map((sideCount) => () => ({ sideCount }))),
  aboutTensor(fc.array(large, { maxLength: 5 }).map((sides) => () => ({ sides }))),
  aboutTensor(
    large.map((side) => ({ sides }) => ({ sides: [...sides, side] })),
  ),
  aboutTensor(fc.constantFrom("half", "", "__proto__", "\u001b[2J").map((name) => () => ({ name }))),
  aboutTensor(fc.uint8Array({ maxLength: 300 }).map((bytes) => () => ({ bytes }))),
];

export const hostileGguf: fc.Arbitrary<Uint8Array> = fc
  .array(fc.oneof(...LIES), { maxLength: 2 })
  .map((lies) => ggufFile(lies.reduce((file, lie) => lie(file), SOUND)));

export const SHARDS = ["one.safetensors", "two.safetensors"] as const;

const shard = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown>(...SHARDS) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      "../one.safetensors",
      "/etc/passwd",
      "model.safetensors.index.json",
      "none.safetensors",
      "pipe.safetensors",
      "loop.safetensors",
      ".",
      "",
      3,
      null,
      [],
      {},
    ),
  },
);

/** Indices of the tensors `a` and `b`, of which the first shard has one and the second the other. */
export const hostileIndex: fc.Arbitrary<Uint8Array> = fc
  .oneof(
    fc.constant({ a: SHARDS[0], b: SHARDS[1] }),
    fc.record({ a: shard, b: shard }),
    fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__", "\u001b[2J"), shard, { maxKeys: 4 }),
    fc.jsonValue({ maxDepth: 2 }),
  )
  .chain((map) =>
    fc.constantFrom(JSON.stringify({ metadata: { total_size: 1 }, weight_map: map }), JSON.stringify(map)),
  )
  .map(utf8);
