import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { concatBytes } from "@bulkhead/base";
import { openWeights, type Weights } from "@bulkhead/finetune";
import { describe, expect, test } from "vitest";
import { GGUF_FILE } from "../vectors/gguf.ts";
import {
  arrayPair,
  type GFile,
  ggufFile,
  gText,
  SOUND,
  textPair,
  u32,
  u32Pair,
  u64,
} from "../finetune/weights/gguf-file.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gguf-"));

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));
const floats = (text: string): Float32Array => new Float32Array(fromBase64(text).buffer);

const open = (bytes: Uint8Array, name = "some.gguf"): Promise<Weights> => {
  const place = path.join(folder, name);
  fs.writeFileSync(place, bytes);
  return openWeights(place);
};

const opened = async <T>(bytes: Uint8Array, look: (weights: Weights) => T | Promise<T>): Promise<T> => {
  const weights = await open(bytes);
  try {
    return await look(weights);
  } finally {
    await weights.close();
  }
};

const FILE = fromBase64(GGUF_FILE.file);

describe("a file that Python's gguf wrote", () => {
  test("has each kind of metadata", async () => {
    expect(await opened(FILE, ({ metadata }) => Object.fromEntries(metadata))).toEqual({
      "general.architecture": "llama",
      "a.u8": 255,
      "a.i8": -128,
      "a.u16": 65_535,
      "a.i16": -32_768,
      "a.u32": 4_294_967_295,
      "a.i32": -2_147_483_648,
      "a.f32": Math.fround(1e-5),
      "a.u64": 2n ** 64n - 1n,
      "a.i64": -5,
      "a.f64": 1e300,
      "a.bool": true,
      "a.text": "Zażółć 你好 🙂",
      "a.tokens": ["", "a", "Ġthe", "你"],
      "a.types": Int32Array.of(1, 3, -1),
      "a.scores": Float32Array.of(0.5, -1.25),
      "a.flags": Uint8Array.of(1, 0),
    });
  });

  test("has its tensors with the outermost side first", async () => {
    await opened(FILE, async (weights) => {
      expect(weights.format).toBe("gguf");
      expect([...weights.tensors.values()]).toEqual([
        { name: "plain", shape: [2, 3], type: "F32", bytes: 24 },
        { name: "half", shape: [2, 2], type: "F16", bytes: 8 },
        { name: "ids", shape: [3], type: "I32", bytes: 12 },
        { name: "quantised", shape: [2, 64], type: "Q4_1", bytes: 80 },
        { name: "brain", shape: [2, 64], type: "BF16", bytes: 256 },
      ]);
      expect(await weights.floats("plain")).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
      expect(await weights.floats("half")).toEqual(Float32Array.of(1, -2.5, 65_504, 2 ** -24));
      expect(await weights.floats("quantised")).toEqual(floats(GGUF_FILE.quantised));
      expect(await weights.floats("brain")).toEqual(floats(GGUF_FILE.brain));
      expect([...(await weights.halves("plain"))]).toEqual([0, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0]);
      await expect(weights.floats("ids")).rejects.toMatchObject({ problem: "ids is stored as I32" });
    });
  });

  test("is known by its first bytes where its name does not say it, and read as version 2", async () => {
    const weights = await open(FILE.with(4, 2), "model");
    expect(weights.tensors.size).toBe(5);
    await weights.close();
  });
});

describe("a sound file", () => {
  test("may have another alignment, arrays in arrays, no padding at its end, or no tensor", async () => {
    const pairs = [...SOUND.pairs!, u32Pair("general.alignment", 64)];
    const look = ({ metadata, tensors }: Weights) => [metadata.get("nested"), tensors.size];
    expect(await opened(ggufFile({ ...SOUND, pairs, alignment: 64 }), look)).toEqual([
      [Uint8Array.of(1, 2), []],
      4,
    ]);
    expect(await opened(ggufFile({ ...SOUND, after: 24 }), look)).toMatchObject({ 1: 4 });
    expect(await opened(ggufFile({ pairs: SOUND.pairs! }), look)).toMatchObject({ 1: 0 });
  });

  test("may have tensors of no or of one value", async () => {
    const tensors = [
      { name: "none", sides: [32, 0], type: 3, bytes: new Uint8Array(0) },
      { name: "one", sides: [], type: 0, bytes: new Uint8Array(Float32Array.of(5).buffer) },
    ];
    await opened(ggufFile({ tensors }), async (weights) => {
      expect(weights.tensors.get("none")!.shape).toEqual([0, 32]);
      expect(await weights.floats("none")).toEqual(new Float32Array(0));
      expect(await weights.floats("one")).toEqual(Float32Array.of(5));
      expect(await weights.halves("none")).toEqual(new Uint16Array(0));
    });
  });

  test("may have metadata that reaches over many reads", async () => {
    const tokens = Array.from({ length: 60_000 }, (_, i) => `token${i}`);
    const scores = new Uint8Array(Float32Array.from(tokens, (_, i) => i).buffer);
    const pairs = [
      arrayPair(
        "tokens",
        8,
        tokens.map((token) => gText(token)),
      ),
      arrayPair("scores", 6, [scores], tokens.length),
      textPair("template", "x".repeat(500_000)),
    ];
    const metadata = await opened(ggufFile({ ...SOUND, pairs }), (weights) => weights.metadata);
    expect(JSON.stringify(metadata.get("tokens"))).toBe(JSON.stringify(tokens));
    expect(metadata.get("scores")).toEqual(new Float32Array(scores.buffer));
    expect(metadata.get("template")).toHaveLength(500_000);
  });

  test("whose scale is no number has values that are none: that is data", async () => {
    const bytes = new Uint8Array(20).fill(0xff);
    const tensors = [{ name: "a", sides: [32], type: 3, bytes }];
    const values = await opened(ggufFile({ tensors }), (weights) => weights.floats("a"));
    expect(values.every((value) => Number.isNaN(value))).toBe(true);
  });
});

const tensor = (over: object): GFile => ({
  tensors: [
    { name: "first", sides: [3], type: 0, bytes: new Uint8Array(12) },
    { name: "second", sides: [32, 2], type: 3, bytes: new Uint8Array(40), ...over },
  ],
});
const pair = (type: number, ...value: readonly Uint8Array[]): GFile => ({
  pairs: [{ key: "key", type, value: concatBytes(...value) }],
});
const deep = (depth: number): Uint8Array =>
  depth === 0 ? concatBytes(u32(0), u64(0)) : concatBytes(u32(9), u64(1), deep(depth - 1));

const HOSTILE: readonly (readonly [string, GFile, string])[] = [
  ["another magic", { magic: "GGJT" }, "magic: expected GGUF (at byte 0)"],
  ["version 1", { version: 1 }, "version: expected 2 or 3 in little-endian order, not 1 (at byte 4)"],
  ["a big-endian file", { version: 0x03000000 }, "not a big-endian file"],
  ["2^63 tensors", { tensorCount: 2n ** 63n }, "tensors: expected a number below 2^53 (at byte 8)"],
  [
    "a million tensors",
    { tensorCount: 1_000_000 },
    "tensors: expected at most 100000, not 1000000 (at byte 8)",
  ],
  ["a billion pairs", { pairCount: 1_000_000_000 }, "metadata: expected at most 4096 pairs"],
  [
    "one pair that is not there",
    { pairCount: 1 },
    "metadata[0]: expected 8 bytes of which 0 are there (at byte 24)",
  ],
  ["one tensor that is not there", { tensorCount: 1 }, "tensors[0]: expected 8 bytes of which 0 are there"],
  [
    "a key given twice",
    { pairs: [u32Pair("a", 1), u32Pair("a", 2)] },
    "a: expected each key once (at byte 50)",
  ],
  ["a key longer than a key", { pairs: [u32Pair("k".repeat(65_536), 1)] }, "text of at most 65535 bytes"],
  [
    "a key that is no text",
    { pairs: [{ key: Uint8Array.of(0xff), type: 4, value: u32(1) }] },
    "expected text in UTF-8",
  ],
  [
    "a text longer than the file",
    pair(8, gText("abc", 2n ** 40n)),
    "key: expected 1099511627776 bytes of which 3",
  ],
  ["a text of 2^64 - 1 bytes", pair(8, gText("abc", 2n ** 64n - 1n)), "key: expected a number below 2^53"],
  [
    "an array of 2^50 texts",
    pair(9, u32(8), u64(2n ** 50n)),
    "key: expected as many values as the file holds",
  ],
  [
    "an array of 2^50 numbers",
    pair(9, u32(10), u64(2n ** 50n)),
    "key: expected 9007199254740992 bytes of which 0",
  ],
  [
    "an array of 2^50 booleans",
    pair(9, u32(7), u64(2n ** 50n)),
    "key: expected 1125899906842624 bytes of which 0",
  ],
  ["a value of type 13", pair(13), "key: expected a known type of value, not 13"],
  ["an array of type 99", pair(9, u32(99), u64(1)), "key: expected a known type of value, not 99"],
  ["arrays in arrays in arrays", pair(9, deep(4)), "key: expected arrays in arrays at most four deep"],
  [
    "very many empty arrays",
    pair(9, u32(9), u64(20_000), ...Array<Uint8Array>(20_000).fill(concatBytes(u32(0), u64(0)))),
    "key: expected at most 16384 arrays in arrays",
  ],
  ["a boolean that is 2", pair(7, Uint8Array.of(2)), "key: expected zeros and ones"],
  ["alignment 0", { pairs: [u32Pair("general.alignment", 0)] }, "general.alignment: expected a power of two"],
  [
    "alignment 33",
    { pairs: [u32Pair("general.alignment", 33)] },
    "general.alignment: expected a power of two",
  ],
  [
    "alignment 2^31",
    { pairs: [u32Pair("general.alignment", 2 ** 31)] },
    "general.alignment: expected a power",
  ],
  [
    "an alignment that is text",
    { pairs: [textPair("general.alignment", "32")] },
    "general.alignment: expected",
  ],
  [
    "a part of several",
    { pairs: [{ key: "split.count", type: 2, value: Uint8Array.of(2, 0) }] },
    "split.count: expected",
  ],
  ["a tensor given twice", tensor({ name: "first" }), "first: expected each tensor once"],
  ["an unknown type", tensor({ type: 200 }), "second.type: expected a known type, not 200"],
  ["a type that was given up", tensor({ type: 4 }), "second.type: expected a known type, not 4"],
  ["five sides", tensor({ sides: [32, 1, 1, 1, 2] }), "second.shape: expected at most 4 sides, not 5"],
  ["a billion sides", tensor({ sideCount: 1_000_000_000 }), "second.shape: expected at most 4 sides"],
  [
    "rows of half a block",
    tensor({ sides: [16, 4] }),
    "second.shape: expected rows of whole blocks of 32 values",
  ],
  ["a side of 2^60", tensor({ sides: [32, 2n ** 60n] }), "second.shape: expected a number below 2^53"],
  [
    "sides whose product is 2^90",
    tensor({ sides: [2 ** 45, 2 ** 45] }),
    "second.shape: expected a size that a file",
  ],
  [
    "more values than the file",
    tensor({ sides: [32, 2000] }),
    "second: expected 40000 bytes from 160, of a file that",
  ],
  [
    "fewer values than the file",
    tensor({ sides: [32, 0] }),
    "values: expected an end at 160, as the table says, not at 200",
  ],
  ["an offset into the tensor before", tensor({ offset: 0 }), "second.offset: expected 32, aligned behind"],
  ["an offset that is not aligned", tensor({ offset: 12 }), "second.offset: expected 32, aligned behind"],
  ["a hole", tensor({ offset: 64 }), "second.offset: expected 32, aligned behind the tensor before, not 64"],
  ["an offset of 2^63", tensor({ offset: 2n ** 63n }), "second: expected a number below 2^53"],
  [
    "bytes behind the end",
    { ...tensor({}), after: 1000 },
    "values: expected an end at 200, as the table says",
  ],
  [
    "a name with a terminal's command",
    tensor({ name: "\u001b[2J", type: 200 }),
    "(unprintable).type: expected",
  ],
];

describe("a hostile file is refused by name and offset", () => {
  test.each(HOSTILE)("%s", async (_, file, problem) => {
    await expect(open(ggufFile(file), "hostile.gguf")).rejects.toMatchObject({
      name: "InputError",
      code: "model-gguf",
      place: path.join(folder, "hostile.gguf"),
      problem: expect.stringContaining(problem),
    });
  });

  test("a file cut off anywhere", async () => {
    const sound = ggufFile(SOUND);
    for (let length = 0; length < sound.length; length += length < 60 ? 1 : 23)
      await expect(open(sound.slice(0, length), "cut.gguf")).rejects.toMatchObject({ code: "model-gguf" });
  });

  test("a head of four gigabytes, of which no more than the bound is read", async () => {
    const place = path.join(folder, "long.gguf");
    const start = ggufFile(pair(9, u32(8), u64(2 ** 28)));
    fs.writeFileSync(place, start);
    fs.truncateSync(place, 2 ** 32);
    const before = process.memoryUsage();
    await expect(openWeights(place)).rejects.toMatchObject({
      code: "model-gguf",
      problem: expect.stringContaining("key: expected as many values as the file holds, not 268435456"),
    });
    const after = process.memoryUsage();
    expect(after.arrayBuffers + after.heapTotal - before.arrayBuffers - before.heapTotal).toBeLessThan(
      2 ** 25,
    );
    fs.rmSync(place);
  });
});
