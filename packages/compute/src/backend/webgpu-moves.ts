/**
 * Integers that tfjs-backend-webgpu 4.22.0 only moves, which it does in single precision: here they are moved in halves
 * of sixteen bits, by the stock kernels.
 */
import { invariant } from "@bulkhead/base";
import type { Kernel, KernelCall } from "./kernels.ts";
import type { TensorInfo } from "./tensorflow.ts";
import { gpuOf, isInteger, runForEach } from "./webgpu-programs.ts";

/** Which operands these only move; what else is an integer there says where to, and is far below 2^24. */
export const MOVES: Readonly<Record<string, readonly string[] | "all">> = {
  BatchToSpaceND: ["x"],
  Concat: "all",
  DepthToSpace: ["x"],
  GatherNd: ["params"],
  GatherV2: ["x"],
  MirrorPad: ["x"],
  Pack: "all",
  PadV2: ["x"],
  Reverse: ["x"],
  Select: ["t", "e"],
  Slice: ["x"],
  SpaceToBatchND: ["x"],
  SplitV: ["x"],
  StridedSlice: ["x"],
  TensorScatterUpdate: ["tensor", "updates"],
  Tile: ["x"],
  Unpack: ["value"],
};

/** Sixteen bits each: signed above, unsigned below. Single precision holds both. */
const HALVES = ["a >> 16", "a & 0xffff"] as const;
const WHOLE = "(a << 16) | b";

/** Moves the upper and lower halves of integers one after the other and puts them together again. */
export const inHalves =
  (stock: Kernel, moved: readonly string[] | "all"): Kernel =>
  (call) => {
    const backend = gpuOf(call);
    const isMoved = (key: string) => moved === "all" || moved.includes(key);
    refuseLongSides(call, (key) => !isMoved(key));
    if (!Object.entries(call.inputs).some(([key, x]) => isMoved(key) && isInteger(x))) return stock(call);
    const [high, low] = HALVES.map((code) => {
      const halved: TensorInfo[] = [];
      const inputs = mapInputs(call.inputs, (key, x) => {
        if (!isMoved(key) || !isInteger(x)) return x;
        const half = runForEach(backend, [x], code, { shape: x.shape, dtype: "int32" });
        halved.push(half);
        return half;
      });
      const result = stock({ ...call, inputs, ...halvedAttributes(call, code) });
      for (const { dataId } of halved) backend.disposeData(dataId);
      return result;
    });
    const join = (above: TensorInfo, below: TensorInfo): TensorInfo => {
      const joined = runForEach(backend, [above, below], WHOLE, { shape: above.shape, dtype: "int32" });
      for (const { dataId } of [above, below]) backend.disposeData(dataId);
      return joined;
    };
    if (Array.isArray(high) && Array.isArray(low)) return high.map((above, i) => join(above, low[i]!));
    invariant(high !== undefined && low !== undefined, "two halves");
    invariant(!Array.isArray(high) && !Array.isArray(low), "both halves have one result");
    return join(high, low);
  };

/** `Concat` and `Pack` take a list, and a list is what they must find. */
const mapInputs = (
  inputs: KernelCall["inputs"],
  map: (key: string, x: TensorInfo | undefined) => TensorInfo | undefined,
): KernelCall["inputs"] => {
  const mapped = Object.fromEntries(Object.entries(inputs).map(([key, x]) => [key, map(key, x)]));
  return Array.isArray(inputs) ? Object.assign([], mapped) : mapped;
};

/** What `PadV2` puts around is an integer too. */
const halvedAttributes = (
  { attrs }: KernelCall,
  code: (typeof HALVES)[number],
): Pick<KernelCall, "attrs"> => {
  const constant = attrs?.["constantValue"];
  if (attrs === undefined || typeof constant !== "number") return attrs === undefined ? {} : { attrs };
  return { attrs: { ...attrs, constantValue: code === HALVES[0] ? constant >> 16 : constant & 0xffff } };
};

/** Beyond it single precision leaves out whole numbers. */
const EXACT = 2 ** 24;

/** Numbers of rows and classes go through single precision too, and must be small. */
export const refuseLongSides = (
  { inputs, attrs }: KernelCall,
  holdsNumbers: (key: string) => boolean,
): void => {
  if (!Object.entries(inputs).some(([key, x]) => holdsNumbers(key) && isInteger(x))) return;
  const sides = Object.values(inputs).flatMap((x) => x?.shape ?? []);
  const counts = [attrs?.["depth"], attrs?.["numSegments"]].filter((count) => typeof count === "number");
  if ([...sides, ...counts].some((side) => side > EXACT))
    throw new Error(`not along a side longer than 2^24, whose places it would round: use the cpu backend`);
};
