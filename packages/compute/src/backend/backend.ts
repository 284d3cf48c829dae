/**
 * Opens the best TensorFlow.js backend that this machine has, and refuses one that computes wrongly. TensorFlow.js has
 * one engine for each thread: a thread opens one backend, and the last one opened is in force.
 */
import { InputError, invariant } from "@bulkhead/base";
import { expectBf16 } from "./bf16.ts";
import { repairCore } from "./core-repairs.ts";
import { repairCpu } from "./cpu-repairs.ts";
import { openNative } from "./native.ts";
import { backendSelfTest } from "./self-test.ts";
import { loadTensorFlow, type TensorFlow } from "./tensorflow.ts";
import { openWasm } from "./wasm.ts";
import { openWebgpu } from "./webgpu.ts";

export type BackendName = "tensorflow" | "webgpu" | "wasm" | "cpu";

/**
 * `auto` takes the first of `tensorflow`, `webgpu`, `wasm`, `cpu` that opens and passes its self-test. A GPU that is
 * only software it passes over; who names `webgpu` gets it.
 */
export type BackendPreference = "auto" | BackendName;

export interface Backend {
  readonly name: BackendName;
  /** Of the library that computes, and the GPU: `TensorFlow 2.21.0`, `tfjs 4.22.0 on nvidia NVIDIA H100`. */
  readonly version: string;
  readonly tf: TensorFlow;
  /** Why it is not the best one and what would make it that, in a sentence; for the person who waits. */
  readonly notice?: string;
}

/** Fastest first, as `auto` tries them. */
export const BACKENDS: readonly BackendName[] = ["tensorflow", "webgpu", "wasm", "cpu"];

const SLOWER = {
  tensorflow: "",
  webgpu: "",
  wasm: ", 3 to 10 times slower than the native one",
  cpu: ", more than 100 times slower than the native one",
} as const;

/** Throws an {@link InputError} when the named backend, or with `auto` every one, cannot be used here. */
export const openBackend = async (preference: BackendPreference = "auto"): Promise<Backend> => {
  expectBf16();
  const refusals: string[] = [];
  for (const name of preference === "auto" ? BACKENDS : [preference]) {
    const opened = await tryOpen(name, preference !== "auto");
    if (typeof opened === "string") refusals.push(`${name}: ${opened}`);
    else return refusals.length === 0 ? opened : { ...opened, notice: noticeOf(name, refusals) };
  }
  throw new InputError({
    code: "backend-unavailable",
    place: `backend ${preference}`,
    problem: refusals.join("; "),
    cure: preference === "tensorflow" ? "run `npm run setup:native`, or choose `auto`" : "choose `auto`",
  });
};

const noticeOf = (name: BackendName, refusals: readonly string[]): string =>
  `training runs on the ${name} backend${SLOWER[name]} (${refusals.join("; ")})`;

/** A backend that passed its self-test, or why there is none. */
const tryOpen = async (name: BackendName, isNamed: boolean): Promise<Backend | string> => {
  try {
    const opened = await open(name, isNamed);
    repairCore(opened.tf);
    const problem = await (name === "webgpu" ? withoutProcessor(opened.tf) : backendSelfTest(opened.tf));
    return problem === undefined ? { name, ...opened } : `refused, it fails its self-test: ${problem}`;
  } catch (error) {
    return error instanceof Error ? error.message.split("\n")[0]! : String(error);
  }
};

const open = async (name: BackendName, isNamed: boolean): Promise<Omit<Backend, "name">> => {
  if (name === "tensorflow") return openNative();
  const tf = await loadTensorFlow();
  const version = `tfjs ${tf.version_core}`;
  if (name === "webgpu") {
    const gpu = await openWebgpu(tf, { software: isNamed });
    const notice = `training runs on ${gpu.name}, a GPU in software, tens of times slower than the wasm backend`;
    return { tf, version: `${version} on ${gpu.name}`, ...(gpu.isSoftware ? { notice } : {}) };
  }
  if (name === "wasm") await openWasm(tf);
  else {
    invariant(await tf.setBackend("cpu"), "the cpu backend is always there");
    repairCpu(tf);
  }
  return { tf, version };
};

/** TensorFlow.js gives a GPU's small tensors to the processor, which would then be what is tested. */
const withoutProcessor = async (tf: TensorFlow): Promise<string | undefined> => {
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  try {
    return await backendSelfTest(tf);
  } finally {
    tf.env().set("WEBGPU_CPU_FORWARD", true);
  }
};
