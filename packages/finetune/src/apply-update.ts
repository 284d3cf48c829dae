/**
 * How the published mean becomes the next model. Every member and the coordinator do this for themselves and must come
 * to the same bits, so it is spelled out in rounded 32-bit steps: nothing is left to a backend.
 */
import { assertNever, invariant } from "@bulkhead/base";
import type { TensorSpec } from "./trainer.ts";

/**
 * `fedavg`: model + serverStep · mean [MMR+17, algorithm 1]. The others take the mean for a gradient of the server:
 * `fedavgm` with momentum [HQB19], `fedadam` and `fedyogi` [RCZ+21, algorithm 2], where τ bounds how far a coordinate
 * moves; as there, second moments start at τ² and nothing corrects the first ones.
 */
export type UpdateRule =
  | { readonly type: "fedavg"; readonly serverStep: number }
  | { readonly type: "fedavgm"; readonly serverStep: number; readonly momentum: number }
  | {
      readonly type: "fedadam" | "fedyogi";
      readonly serverStep: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly tau: number;
    };

/** The trained values, and what the rule remembers of earlier rounds: vectors of the same length. */
export interface ServerModel {
  readonly flat: Float32Array;
  readonly memory: readonly Float32Array[];
}

const MEMORY: Readonly<Record<UpdateRule["type"], readonly string[]>> = {
  fedavg: [],
  fedavgm: ["server.momentum"],
  fedadam: ["server.first_moment", "server.second_moment"],
  fedyogi: ["server.first_moment", "server.second_moment"],
};

/** The rule's memory as tensors, for a model of so many values. */
export const memoryTensors = ({ type }: UpdateRule, length: number): readonly TensorSpec[] =>
  MEMORY[type].map((name) => ({ name, shape: [length] }));

/** Before the first round. */
export const freshMemory = (rule: UpdateRule, length: number): readonly Float32Array[] => {
  if (rule.type === "fedavg" || rule.type === "fedavgm")
    return MEMORY[rule.type].map(() => new Float32Array(length));
  return [new Float32Array(length), new Float32Array(length).fill(rule.tau * rule.tau)];
};

/** New vectors; the arguments stay as they are. Each product, sum, quotient and root is rounded to 32 bits. */
export const applyUpdate = (
  { flat, memory }: ServerModel,
  meanUpdate: Float32Array,
  rule: UpdateRule,
): ServerModel => {
  const vectors = [meanUpdate, ...memory];
  invariant(
    vectors.every(({ length }) => length === flat.length),
    "an update is as long as its model",
  );
  invariant(memory.length === MEMORY[rule.type].length, "a rule is given what it remembers");
  switch (rule.type) {
    case "fedavg":
      return { flat: moved(flat, meanUpdate, rule.serverStep), memory };
    case "fedavgm": {
      const momentum = blended(memory[0]!, meanUpdate, { keep: round(rule.momentum), take: 1 });
      return { flat: moved(flat, momentum, rule.serverStep), memory: [momentum] };
    }
    case "fedadam":
    case "fedyogi":
      return adaptive(flat, [memory[0]!, memory[1]!], meanUpdate, rule);
    default:
      return assertNever(rule);
  }
};

const round = Math.fround;

/** keep · old + take · fresh. */
const blended = (
  old: Float32Array,
  fresh: Float32Array,
  { keep, take }: { readonly keep: number; readonly take: number },
): Float32Array => old.map((value, i) => round(keep * value) + round(take * fresh[i]!));

const moved = (flat: Float32Array, by: Float32Array, serverStep: number): Float32Array => {
  const step = round(serverStep);
  return flat.map((value, i) => value + round(step * by[i]!));
};

const adaptive = (
  flat: Float32Array,
  [first, second]: readonly [Float32Array, Float32Array],
  mean: Float32Array,
  { type, serverStep, ...rule }: Extract<UpdateRule, { readonly tau: number }>,
): ServerModel => {
  const [step, tau] = [round(serverStep), round(rule.tau)];
  const [keep, take] = [round(rule.beta2), round(1 - rule.beta2)];
  const m = blended(first, mean, { keep: round(rule.beta1), take: round(1 - rule.beta1) });
  const v = second.map((old, i) => {
    const square = round(mean[i]! * mean[i]!);
    if (type === "fedadam") return round(keep * old) + round(take * square);
    return old - round(take * square) * Math.sign(old - square);
  });
  const next = flat.map((value, i) => {
    const scale = round(round(Math.sqrt(v[i]!)) + tau);
    return value + round(round(step * m[i]!) / scale);
  });
  return { flat: next, memory: [m, v] };
};
