/** What of fine-tuning meets bytes from outside, and what it must do with any of them. */
import { concatBytes, InputError, utf8 } from "@bulkhead/base";
import { floatsOf, readSafetensors, type StoredTensor, writeSafetensors } from "@bulkhead/finetune";
import fc from "fast-check";
import type { Decoder } from "../base/decoders.ts";
import { mutated } from "../base/mutated.ts";

const name = fc.constantFrom("a", "b", "weight", "__proto__", "__metadata__");
const side = fc.integer({ min: 0, max: 3 });

const soundFile = fc
  .uniqueArray(fc.record({ name: fc.constantFrom("a", "b", "c"), shape: fc.array(side, { maxLength: 2 }) }), {
    selector: (tensor) => tensor.name,
  })
  .map((specs) =>
    writeSafetensors(
      specs.map((spec) => ({
        ...spec,
        values: new Float32Array(spec.shape.reduce((size, each) => size * each, 1)),
      })),
    ),
  );

/** Headers that are JSON of nearly the right kind, before some bytes. */
const nearlySoundFile = fc
  .tuple(
    fc.dictionary(
      name,
      fc.record({
        dtype: fc.constantFrom("F32", "F16", "BF16", "U8", "F33"),
        shape: fc.array(fc.oneof(side, fc.constantFrom(-1, 0.5, 2 ** 53 - 1)), { maxLength: 3 }),
        data_offsets: fc.tuple(fc.nat(16), fc.nat(16)),
      }),
      { maxKeys: 3 },
    ),
    fc.nat(16),
  )
  .map(([header, length]) => {
    const json = utf8(JSON.stringify(header));
    return concatBytes(
      Uint8Array.of(json.length & 255, json.length >> 8, 0, 0, 0, 0, 0, 0),
      json,
      new Uint8Array(length),
    );
  });

/** The tensors share out the values of the file, and each has as many as its shape says. */
const checkTensors = (file: Uint8Array, tensors: ReadonlyMap<string, StoredTensor>): void => {
  const header = new DataView(file.buffer, file.byteOffset).getUint32(0, true);
  const bytes = [...tensors.values()].reduce((sum, tensor) => sum + tensor.bytes.length, 0);
  if (8 + header + bytes !== file.length) throw new Error("values are left over, or shared");
  for (const tensor of tensors.values()) {
    const floats = floatsOf(tensor);
    const size = tensor.shape.reduce((product, each) => product * each, 1);
    if (floats !== undefined && floats.length !== size) throw new Error("a tensor does not fill its shape");
  }
};

export const FINETUNE_DECODERS: readonly Decoder[] = [
  {
    name: "readSafetensors",
    input: fc.oneof(mutated(soundFile), nearlySoundFile),
    takes: (bytes) => {
      try {
        checkTensors(bytes, readSafetensors(bytes, "file"));
        return true;
      } catch (error) {
        if (error instanceof InputError) return false;
        throw error;
      }
    },
  },
];
