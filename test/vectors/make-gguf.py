"""Makes test/vectors/gguf.ts: quantised blocks and whole small files, as Python's gguf 0.19 and safetensors 0.8 have them.

    python -m venv v && v/bin/pip install gguf==0.19.0 safetensors==0.8.0 && v/bin/python test/vectors/make-gguf.py > test/vectors/gguf.ts
"""
import base64
import os
import tempfile

import gguf
import numpy as np
from gguf.quants import dequantize, quantize
from safetensors.numpy import save

rng = np.random.default_rng(5)
Type = gguf.GGMLQuantizationType
BLOCKS = 3
QUANTISED = [Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0]
# Where a K-quant has its scales in F16, in bytes from the start of a block: `gguf` reads these types and writes none.
SCALES = {Type.Q4_K: (0, 2), Type.Q5_K: (0, 2), Type.Q6_K: (208,)}


def text(data):
    return '"' + base64.b64encode(bytes(data)).decode() + '"'


def blocks_of(kind):
    values, size = gguf.GGML_QUANT_SIZES[kind]
    if kind in QUANTISED:
        return quantize(rng.standard_normal((1, values * BLOCKS), dtype=np.float32), kind).reshape(BLOCKS, size)
    blocks = rng.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
    for at in SCALES[kind]:
        scales = (rng.standard_normal((BLOCKS, 1)) / 16).astype(np.float16)
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(BLOCKS, 2)
    return blocks


def some_file(path):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_uint8("a.u8", 255)
    writer.add_int8("a.i8", -128)
    writer.add_uint16("a.u16", 65535)
    writer.add_int16("a.i16", -32768)
    writer.add_uint32("a.u32", 4294967295)
    writer.add_int32("a.i32", -2147483648)
    writer.add_float32("a.f32", 1e-5)
    writer.add_uint64("a.u64", 2**64 - 1)
    writer.add_int64("a.i64", -5)
    writer.add_float64("a.f64", 1e300)
    writer.add_bool("a.bool", True)
    writer.add_string("a.text", "Zażółć 你好 🙂")
    writer.add_array("a.tokens", ["", "a", "Ġthe", "你"])
    writer.add_array("a.types", [1, 3, -1])
    writer.add_array("a.scores", [0.5, -1.25])
    writer.add_array("a.flags", [True, False])
    writer.add_tensor("plain", np.arange(6, dtype=np.float32).reshape(2, 3))
    writer.add_tensor("half", np.array([[1, -2.5], [65504, 2**-24]], dtype=np.float16))
    writer.add_tensor("ids", np.array([1, -2, 3], dtype=np.int32))
    matrix = rng.standard_normal((2, 64), dtype=np.float32)
    writer.add_tensor("quantised", quantize(matrix, Type.Q4_1), raw_dtype=Type.Q4_1)
    writer.add_tensor("brain", quantize(matrix, Type.BF16), raw_dtype=Type.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with open(path, "rb") as file:
        data = file.read()
    return data, dequantize(quantize(matrix, Type.Q4_1), Type.Q4_1), dequantize(quantize(matrix, Type.BF16), Type.BF16)


def rope_case():
    """A query projection in the order of rows that llama.cpp's converter gives it."""
    heads, width, inner = 3, 8, 5
    weights = np.arange(heads * width * inner, dtype=np.float32).reshape(heads * width, inner)
    return weights.reshape(heads, 2, width // 2, inner).swapaxes(1, 2).reshape(heads * width, inner)


print("/** Made by make-gguf.py beside this file, with Python's gguf 0.19 and safetensors 0.8; all in base64. */\n")
print("/** Blocks of each type and the 32-bit floats they mean. */")
print("export const GGUF_BLOCKS = [")
for kind in [*QUANTISED, *SCALES]:
    blocks = blocks_of(kind)
    print(f'{{ type: "{kind.name}", blocks: {text(blocks)}, floats: {text(dequantize(blocks, kind).astype("<f4"))} }},')
print("] as const;\n")
with tempfile.TemporaryDirectory() as folder:
    data, quantised, brain = some_file(os.path.join(folder, "some.gguf"))
print("/** A file of each kind of value and some kinds of tensor, and the floats of two of them. */")
print(f"export const GGUF_FILE = {{ file: {text(data)}, quantised: {text(quantised)}, brain: {text(brain)} }};\n")
print("/** Rows 0 to 23 of five values each, 0 to 119, three heads of eight, as llama.cpp's converter orders them. */")
print(f"export const ROPE_PERMUTED = {text(rope_case())};\n")
tensors = {
    "f32": np.array([[1.5, -0.0], [1e-40, 3e38]], dtype=np.float32),
    "f16": np.array([1, -2.5, 65504, 2**-24], dtype=np.float16),
    "ids": np.array([1, -2, 2**40], dtype=np.int64),
    "empty": np.zeros((0, 3), dtype=np.float32),
}
print("/** A file as Python's safetensors writes it. */")
print(f"export const SAFETENSORS_FILE = {text(save(tensors, metadata={'format': 'pt'}))};")
