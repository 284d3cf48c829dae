/**
 * What each backend does not do as the table says, part by part. A row that is not named here must be right, and one that
 * is named here must refuse as it says: another backend joins by one more entry.
 */
import type { BackendName } from "@bulkhead/compute";
import type { ParityResult } from "./run-parity.ts";

export interface Refusal {
  readonly rows: RegExp;
  readonly part: "forward" | "gradient";
  /** Found in the error. */
  readonly says: RegExp;
}

export interface ParityBackend {
  readonly name: BackendName;
  readonly refuses: readonly Refusal[];
  /** Rows that come out less exact than the table asks, and by how much they may, relative to the largest value. */
  readonly lessExact: readonly { readonly rows: RegExp; readonly tolerance: number }[];
}

/** By tfjs-core, whatever computes. */
const CORE: readonly Refusal[] = [
  { rows: /^einsum/u, part: "gradient", says: /not found for Einsum/u },
  { rows: /^cumprod$/u, part: "gradient", says: /not found for Cumprod/u },
  { rows: /^stridedSlice$/u, part: "gradient", says: /not found for StridedSlice/u },
  { rows: /^depthToSpace$/u, part: "gradient", says: /not found for DepthToSpace/u },
  { rows: /^gatherND$/u, part: "gradient", says: /not found for GatherNd/u },
  { rows: /^where by a condition on/u, part: "gradient", says: /not found for Greater/u },
  { rows: /^linalg.bandPart$/u, part: "gradient", says: /passed to stack must be/u },
  { rows: /^conv2d .* dilation 2$/u, part: "gradient", says: /dilation rates greater than 1/u },
  { rows: /^mirrorPad/u, part: "gradient", says: /^MirrorPad: .* refused/u },
];

const CUT_WINDOWS: Refusal = {
  rows: /^avgPool whose last windows are cut$/u,
  part: "gradient",
  says: /^AvgPoolGrad on (?:cpu|wasm|webgpu): .* refused/u,
};

export const PARITY_BACKENDS: Readonly<Record<BackendName, ParityBackend>> = {
  tensorflow: {
    name: "tensorflow",
    refuses: [
      ...CORE,
      { rows: /^fused.matMul with grouped/u, part: "forward", says: /compatible batch dimensions/u },
      { rows: /^int32 step$/u, part: "forward", says: /attr 'T' of int32 is not/u },
      { rows: /^int32 bitwiseAnd$/u, part: "forward", says: /'BitwiseAnd' not registered/u },
    ],
    lessExact: [],
  },
  webgpu: {
    name: "webgpu",
    refuses: [
      ...CORE,
      CUT_WINDOWS,
      { rows: /^fused.matMul with grouped/u, part: "forward", says: /could not be broadcast/u },
      {
        rows: /^int32 (?:argMax|cumsum|matMul|pow|scatterND|topk|unsortedSegmentSum)$/u,
        part: "forward",
        says: /^\w+ on webgpu: not of int32/u,
      },
      { rows: /^int32 bitwiseAnd$/u, part: "forward", says: /'BitwiseAnd' not registered/u },
    ],
    // As exact as Vulkan asks drivers to be.
    lessExact: [{ rows: /^(?:acos|cos|sin|tan)$/u, tolerance: 2e-4 }],
  },
  wasm: {
    name: "wasm",
    refuses: [
      ...CORE,
      CUT_WINDOWS,
      { rows: /^fused.matMul with grouped/u, part: "forward", says: /could not be broadcast/u },
      { rows: /^int32 matMul$/u, part: "forward", says: /^BatchMatMul on wasm: not of int32/u },
    ],
    lessExact: [],
  },
  cpu: {
    name: "cpu",
    refuses: [
      ...CORE,
      CUT_WINDOWS,
      { rows: /^fused.matMul with grouped/u, part: "forward", says: /could not be broadcast/u },
      { rows: /^resizeBilinear to twice/u, part: "gradient", says: /gradient for op ResizeBilinear/u },
      { rows: /^int32 prod that wraps$/u, part: "forward", says: /^Prod on cpu: .* refused/u },
    ],
    lessExact: [],
  },
};

/** One line for each part that is not as {@link ParityBackend} says. */
export const problemsOf = ({ refuses, lessExact }: ParityBackend, result: ParityResult): readonly string[] =>
  (["forward", "gradient"] as const).flatMap((part) => {
    const verdict = result[part];
    const refusal = refuses.find((each) => each.part === part && each.rows.test(result.name));
    const tolerance = lessExact.find(({ rows }) => rows.test(result.name))?.tolerance ?? 0;
    if (verdict.type === "refused" && refusal?.says.test(verdict.message) === true) return [];
    if (verdict.type === "refused") return [`${part} refused: ${verdict.message}`];
    if (refusal !== undefined)
      return [`${part} is ${verdict.type}, and should be refused: ${refusal.says.source}`];
    return verdict.type === "wrong" && !(verdict.difference <= tolerance)
      ? [`${part}: ${verdict.message}`]
      : [];
  });

/** For the person who reads the log: how many, and what is refused. */
export const summaryOf = (backend: string, results: readonly ParityResult[]): string => {
  const right = (part: "forward" | "gradient") =>
    results.filter((result) => result[part].type === "right").length;
  const refused = results.flatMap(({ name, forward, gradient }) =>
    forward.type === "refused" ? [name] : gradient.type === "refused" ? [`the gradient of ${name}`] : [],
  );
  const gradients = results.filter(({ gradient }) => gradient.type !== "none").length;
  return `${backend}: ${right("forward")} of ${results.length} operations and ${right("gradient")} of ${gradients} gradients are right; refused: ${refused.join("; ")}`;
};
