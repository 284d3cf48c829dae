/**
 * Shaders for integers on tfjs-backend-webgpu 4.22.0, whose own declare all values as f32 and so lose every bit beyond
 * the 24th. They run through the backend, on its tensors.
 */
import type { WebGPUBackend, WebGPUProgram } from "@tensorflow/tfjs-backend-webgpu";
import { invariant } from "@bulkhead/base";
import { sizeOf } from "./broadcast.ts";
import { type KernelCall, kernelOf } from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";

/** The engine calls a kernel with the kernel's own backend. */
export const gpuOf = ({ backend }: KernelCall): WebGPUBackend =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type of a kernel is the same for all backends
  backend as WebGPUBackend;

export const isInteger = (x: TensorInfo | undefined): x is TensorInfo => x?.dtype === "int32";

/** The kernel in force, as another one calls it. */
export const runKernel = (
  tf: TensorFlow,
  name: string,
  { backend }: KernelCall,
  ...[x, attrs]: readonly [TensorInfo, NonNullable<KernelCall["attrs"]>]
): TensorInfo => {
  const result = kernelOf(tf, "webgpu", name)({ inputs: { x }, attrs, backend });
  invariant(!Array.isArray(result), `${name} gives one tensor`);
  return result;
};

export interface Result {
  readonly shape: readonly number[];
  readonly dtype: "int32" | "bool" | "float32";
}

/** A value of the result as an expression in WGSL of `a`, and of `b` where there are two operands. */
export const runForEach = (
  backend: WebGPUBackend,
  operands: readonly TensorInfo[],
  code: string,
  { shape, dtype }: Result,
): TensorInfo => {
  const names = ["a", "b"].slice(0, operands.length);
  const values = operands.map(
    (operand, i) => `let ${names[i]} = ${NAMES[i]}[${indexCode(shape, operand.shape)}];`,
  );
  const body = [...values, `result[index] = ${RESULT[dtype]}(${code});`].join("\n");
  return backend.runWebGPUProgram(
    program(NAMES.slice(0, operands.length), shape, body),
    [...operands],
    dtype,
  );
};

const NAMES = ["A", "B"];
const RESULT = { int32: "i32", bool: "i32", float32: "f32" } as const;

/** The axes of the result are those of `x` in the order of `perm`. */
export const runTransposed = (backend: WebGPUBackend, x: TensorInfo, perm: readonly number[]): TensorInfo => {
  const shape = perm.map((axis) => x.shape[axis]!);
  const after = (sides: readonly number[], axis: number) => sizeOf(sides.slice(axis + 1));
  const places = perm.map(
    (axis, i) => `(index / ${after(shape, i)}) % ${shape[i]!} * ${after(x.shape, axis)}`,
  );
  const body = `result[index] = A[${places.join(" + ")}];`;
  return backend.runWebGPUProgram(program(["A"], shape, body), [x], x.dtype);
};

/** Which value of an operand belongs to value `index` of a broadcast result. */
const indexCode = (result: readonly number[], own: readonly number[]): string => {
  if (sizeOf(own) === 1) return "0";
  if (sizeOf(own) === sizeOf(result)) return "index";
  let [after, stride] = [1, 1];
  const terms: string[] = [];
  for (let axis = result.length - 1; axis >= 0; axis--) {
    const side = own[axis - (result.length - own.length)];
    if (side === undefined) break;
    if (side > 1) terms.push(`(index / ${after}) % ${side} * ${stride}`);
    after *= result[axis]!;
    stride *= side;
  }
  return terms.join(" + ");
};

/** How values are brought together: `total` so far and the next `value`, in WGSL. The order is nobody's business. */
export interface Reduction {
  readonly from: string;
  readonly step: string;
  readonly dtype: "int32" | "bool";
}

export interface Reduced {
  readonly reduction: Reduction;
  /** So many neighbours become one value. */
  readonly inner: number;
  readonly shape: readonly number[];
}

/** So many values are brought together by one invocation. */
const AT_ONCE = 256;

export const runReduction = (backend: WebGPUBackend, x: TensorInfo, reduced: Reduced): TensorInfo => {
  const { reduction, inner, shape } = reduced;
  const parts = Math.max(1, Math.ceil(inner / AT_ONCE));
  const body = `
    let row = index / ${parts};
    let first = (index % ${parts}) * ${AT_ONCE};
    var total = ${reduction.from};
    for (var i = first; i < min(first + ${AT_ONCE}, ${inner}); i++) {
      let value = A[row * ${inner} + i];
      total = ${reduction.step};
    }
    result[index] = total;`;
  const out = parts === 1 ? shape : [sizeOf(shape) * parts];
  const result = backend.runWebGPUProgram(program(["A"], out, body), [x], reduction.dtype);
  if (parts === 1) return result;
  const whole = runReduction(backend, result, { reduction, inner: parts, shape });
  backend.disposeData(result.dataId);
  return whole;
};

const WORKGROUP = 64;

const program = (
  variableNames: readonly string[],
  shape: readonly number[],
  body: string,
): WebGPUProgram => ({
  variableNames: [...variableNames],
  outputShape: [...shape],
  workgroupSize: [WORKGROUP, 1, 1],
  // Of one dimension: the backend spreads what is too long for one over three, and counts `index` through.
  dispatchLayout: { x: [...shape.keys()] },
  dispatch: [Math.ceil(sizeOf(shape) / WORKGROUP), 1, 1],
  size: true,
  // It names everything that makes another shader.
  shaderKey: body,
  getUserCode: () => `fn main(index : i32) { if (index < uniforms.size) {\n${body}\n} }`,
});
