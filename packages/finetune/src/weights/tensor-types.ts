/** The types of stored tensors: how many values stand in a block, and how many bytes it has. */

export interface BlockSize {
  readonly values: number;
  readonly bytes: number;
}

const block = (values: number, bytes: number): BlockSize => ({ values, bytes });

/** The names are those of safetensors and of GGML. */
export const BLOCK_SIZES = {
  BOOL: block(1, 1),
  U8: block(1, 1),
  I8: block(1, 1),
  F8_E4M3: block(1, 1),
  F8_E5M2: block(1, 1),
  U16: block(1, 2),
  I16: block(1, 2),
  F16: block(1, 2),
  BF16: block(1, 2),
  U32: block(1, 4),
  I32: block(1, 4),
  F32: block(1, 4),
  U64: block(1, 8),
  I64: block(1, 8),
  F64: block(1, 8),
  Q4_0: block(32, 18),
  Q4_1: block(32, 20),
  Q5_0: block(32, 22),
  Q5_1: block(32, 24),
  Q8_0: block(32, 34),
  Q8_1: block(32, 40),
  Q2_K: block(256, 84),
  Q3_K: block(256, 110),
  Q4_K: block(256, 144),
  Q5_K: block(256, 176),
  Q6_K: block(256, 210),
  Q8_K: block(256, 292),
  IQ2_XXS: block(256, 66),
  IQ2_XS: block(256, 74),
  IQ3_XXS: block(256, 98),
  IQ1_S: block(256, 50),
  IQ4_NL: block(32, 18),
  IQ3_S: block(256, 110),
  IQ2_S: block(256, 82),
  IQ4_XS: block(256, 136),
  IQ1_M: block(256, 56),
  TQ1_0: block(256, 54),
  TQ2_0: block(256, 66),
  MXFP4: block(32, 17),
} as const satisfies Readonly<Record<string, BlockSize>>;

export type TensorType = keyof typeof BLOCK_SIZES;

const isTensorType = (name: string): name is TensorType => Object.hasOwn(BLOCK_SIZES, name);

const SAFETENSORS_TYPES: ReadonlySet<string> = new Set(
  "BOOL U8 I8 F8_E4M3 F8_E5M2 U16 I16 F16 BF16 U32 I32 F32 U64 I64 F64".split(" "),
);

export const safetensorsType = (name: string): TensorType | undefined =>
  SAFETENSORS_TYPES.has(name) && isTensorType(name) ? name : undefined;

/** GGML's numbers of its types; those between were given up. */
const GGML_TYPES: ReadonlyMap<number, TensorType> = new Map([
  [0, "F32"],
  [1, "F16"],
  [2, "Q4_0"],
  [3, "Q4_1"],
  [6, "Q5_0"],
  [7, "Q5_1"],
  [8, "Q8_0"],
  [9, "Q8_1"],
  [10, "Q2_K"],
  [11, "Q3_K"],
  [12, "Q4_K"],
  [13, "Q5_K"],
  [14, "Q6_K"],
  [15, "Q8_K"],
  [16, "IQ2_XXS"],
  [17, "IQ2_XS"],
  [18, "IQ3_XXS"],
  [19, "IQ1_S"],
  [20, "IQ4_NL"],
  [21, "IQ3_S"],
  [22, "IQ2_S"],
  [23, "IQ4_XS"],
  [24, "I8"],
  [25, "I16"],
  [26, "I32"],
  [27, "I64"],
  [28, "F64"],
  [29, "IQ1_M"],
  [30, "BF16"],
  [34, "TQ1_0"],
  [35, "TQ2_0"],
  [39, "MXFP4"],
]);

export const ggmlType = (number: number): TensorType | undefined => GGML_TYPES.get(number);
