import { concatBytes, utf8 } from "@bulkhead/base";
import { floatsOf, type NamedValues, readSafetensors, writeSafetensors } from "@bulkhead/finetune";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SAFETENSORS_FILE } from "../../vectors/gguf.ts";

const withHeader = (header: string | Uint8Array, values = new Uint8Array(0), length?: bigint): Uint8Array => {
  const bytes = typeof header === "string" ? utf8(header) : header;
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, length ?? BigInt(bytes.length), true);
  return concatBytes(prefix, bytes, values);
};

const entry = (shape: readonly number[], start: number, end: number, dtype = "F32") => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

const file = (header: object, length: number): Uint8Array =>
  withHeader(JSON.stringify(header), new Uint8Array(length));

describe("a sound file", () => {
  test("is the one that Python's safetensors writes", () => {
    const tensors = readSafetensors(new Uint8Array(Buffer.from(SAFETENSORS_FILE, "base64")), "file");
    expect([...tensors.keys()].toSorted()).toEqual(["empty", "f16", "f32", "ids"]);
    expect(floatsOf(tensors.get("f32")!)).toEqual(Float32Array.of(1.5, -0, 1e-40, 3e38));
    expect(floatsOf(tensors.get("f16")!)).toEqual(Float32Array.of(1, -2.5, 65_504, 2 ** -24));
    expect(tensors.get("empty")!.shape).toEqual([0, 3]);
    expect(floatsOf(tensors.get("ids")!)).toBeUndefined();
  });

  const tensors = fc.uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[a-z_.0-9]{1,20}$/u).filter((name) => name !== "__proto__"),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    }),
    { selector: ({ name }) => name, maxLength: 8 },
  );

  test("is read as it was written, also from a view that is not aligned", () => {
    fc.assert(
      fc.property(tensors, (specs) => {
        const random = (name: string, i: number) => Math.fround(Math.sin(name.length * 31 + i));
        const written: NamedValues[] = specs.map(({ name, shape }) => ({
          name,
          shape,
          values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => random(name, i)),
        }));
        const moved = concatBytes(Uint8Array.of(1), writeSafetensors(written)).subarray(1);
        const read = readSafetensors(moved, "file");
        expect(read.size).toBe(written.length);
        for (const { name, shape, values } of written) {
          const tensor = read.get(name)!;
          expect(tensor).toMatchObject({ name, dtype: "F32", shape });
          expect(floatsOf(tensor)).toEqual(values);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("has the layout of the format: length, padded JSON, little-endian values", () => {
    const written = writeSafetensors([{ name: "a", shape: [2], values: Float32Array.of(1, -2) }]);
    const header = '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect(written).toEqual(withHeader(padded, Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 192)));
  });

  test("may hold half floats of both kinds, and integers that are no floats", () => {
    const header = {
      half: entry([6], 0, 12, "F16"),
      brain: entry([2], 12, 16, "BF16"),
      ids: entry([1], 16, 24, "I64"),
    };
    const halves = [0x3c00, 0xc000, 0x0001, 0x7c00, 0x3555, 0x8000, 0x3f80, 0xc049];
    const bytes = new Uint8Array(24);
    for (const [i, half] of halves.entries()) new DataView(bytes.buffer).setUint16(2 * i, half, true);
    const read = readSafetensors(withHeader(JSON.stringify(header), bytes), "file");
    expect([...floatsOf(read.get("half")!)!]).toEqual([1, -2, 2 ** -24, Infinity, 0.333251953125, -0]);
    expect([...floatsOf(read.get("brain")!)!]).toEqual([1, -3.140625]);
    expect(floatsOf(read.get("ids")!)).toBeUndefined();
  });
});

const fourFloats = { a: entry([4], 0, 16) };

/** Names like those of the language itself are names like others; an unprintable one is not printed. */
const HOSTILE: readonly (readonly [string, Uint8Array, string])[] = [
  ["nothing", new Uint8Array(0), "header: expected a length of eight bytes"],
  ["half a length", new Uint8Array(7), "header: expected a length of eight bytes"],
  ["a length beyond the file", withHeader("{}", undefined, 3n), "not 3 bytes"],
  [
    "a length that no memory has",
    withHeader("{}", undefined, 2n ** 64n - 1n),
    "not 18446744073709551615 bytes",
  ],
  ["a header cut in the middle", withHeader('{"a":{"dtype"'), "header: expected JSON in UTF-8"],
  [
    "a header that is no UTF-8",
    withHeader(Uint8Array.of(0x22, 0xff, 0x22)),
    "header: expected JSON in UTF-8",
  ],
  ["a list for a header", withHeader("[]"), "header: expected an object"],
  ["offsets beyond the file", file(fourFloats, 12), "values: expected 16 bytes, as the header says, not 12"],
  [
    "bytes that no tensor owns",
    file(fourFloats, 17),
    "values: expected 16 bytes, as the header says, not 17",
  ],
  [
    "tensors that overlap",
    file({ a: entry([4], 0, 16), b: entry([4], 8, 24) }, 24),
    "b.data_offsets: expected 16 to 32, after the tensor before and as long as the shape says, not 8 to 24",
  ],
  [
    "tensors that are the same bytes",
    file({ a: entry([4], 0, 16), b: entry([4], 0, 16) }, 16),
    "b.data_offsets: expected 16 to 32,",
  ],
  [
    "a hole between tensors",
    file({ a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12),
    "b.data_offsets: expected 4 to 8,",
  ],
  [
    "more values than the shape has",
    file({ a: entry([3], 0, 16) }, 16),
    "a.data_offsets: expected 0 to 12, after the tensor before and as long as the shape says, not 0 to 16",
  ],
  ["offsets that run backwards", file({ a: entry([1], 4, 0) }, 4), "a.data_offsets: expected 0 to 4,"],
  ["a shape that no memory has", file({ a: entry([2 ** 40, 2 ** 40], 0, 4) }, 4), "a.shape: expected a size"],
  [
    "a shape of twenty sides",
    file({ a: entry(Array<number>(20).fill(1), 0, 4) }, 4),
    "a.shape: expected a list",
  ],
  ["a negative side", file({ a: entry([-1], 0, 4) }, 4), "a.shape[0]: expected an integer"],
  ["a side that is no integer", file({ a: entry([1.5], 0, 6) }, 6), "a.shape[0]: expected an integer"],
  ["a type that is none", file({ a: entry([1], 0, 4, "F31") }, 4), "a.dtype: expected a known type"],
  ["three offsets", file({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4, 4] } }, 4), "a.data_offsets:"],
  [
    "a field of its own",
    file({ a: { ...entry([1], 0, 4), stride: 1 } }, 4),
    "a.stride: expected no such field",
  ],
  ["a tensor that is a number", file({ a: 3 }, 0), "a: expected an object"],
  ["objects in objects", withHeader('{"a":{"b":{"c":{"d":{}}}}}'), "header: expected objects at most 4 deep"],
  ["the name __proto__", withHeader('{"__proto__":1}'), "__proto__: expected an object"],
  [
    "a name given twice",
    withHeader(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}',
      new Uint8Array(4),
    ),
    "a: expected each name once",
  ],
  [
    "a field given twice",
    withHeader('{"a":{"dtype":"F64","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', new Uint8Array(4)),
    "dtype: expected each name once",
  ],
  ["a name with a terminal's command", file({ "\u001b[2J": 3 }, 0), "(unprintable): expected an object"],
];

describe("a hostile file is refused by name and place", () => {
  test.each(HOSTILE)("%s", (_, bytes, problem) => {
    let error: unknown;
    try {
      readSafetensors(bytes, "model/model.safetensors");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      name: "InputError",
      code: "model-safetensors",
      place: "model/model.safetensors",
      problem: expect.stringContaining(problem),
    });
  });

  test("any single byte changed gives a file that is sound, or an InputError, and nothing else", () => {
    const sound = writeSafetensors([
      { name: "a", shape: [2, 2], values: new Float32Array(4) },
      { name: "b", shape: [3], values: new Float32Array(3) },
    ]);
    for (let at = 0; at < sound.length; at++)
      for (const change of [1, 2, 16, 128]) {
        const bytes = sound.slice();
        bytes[at]! ^= change;
        try {
          expect(readSafetensors(bytes, "file").size).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toMatchObject({ name: "InputError" });
        }
      }
  });
});
