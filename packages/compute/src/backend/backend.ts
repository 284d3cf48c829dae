/**
 * Opens the best TensorFlow.js backend that this machine has, and refuses one that computes wrongly. TensorFlow.js has
 * one engine for each thread: a thread opens one backend, and the last one opened is in force.
 */
import { InputError, invariant } from "@bulkhead/base";
import { repairCore } from "./core-repairs.ts";
import { repairCpu } from "./cpu-repairs.ts";
import { openNative } from "./native.ts";
import { backendSelfTest } from "./self-test.ts";
import { loadTensorFlow, type TensorFlow } from "./tensorflow.ts";
import { openWasm } from "./wasm.ts";

export type BackendName = "tensorflow" | "wasm" | "cpu";

/** `auto` takes the first of `tensorflow`, `wasm`, `cpu` that opens and passes its self-test. */
export type BackendPreference = "auto" | BackendName;

export interface Backend {
  readonly name: BackendName;
  /** Of the library that computes: `TensorFlow 2.21.0`, `tfjs 4.22.0`. */
  readonly version: string;
  readonly tf: TensorFlow;
  /** Why it is not the best one and what would make it that, in a sentence; for the person who waits. */
  readonly notice?: string;
}

/** Fastest first, as `auto` tries them. */
export const BACKENDS: readonly BackendName[] = ["tensorflow", "wasm", "cpu"];

const SLOWER = { tensorflow: "", wasm: "5 to 10 times", cpu: "more than 100 times" } as const;

/** Throws an {@link InputError} when the named backend, or with `auto` every one, cannot be used here. */
export const openBackend = async (preference: BackendPreference = "auto"): Promise<Backend> => {
  const refusals: string[] = [];
  for (const name of preference === "auto" ? BACKENDS : [preference]) {
    const opened = await tryOpen(name);
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
  `training runs on the ${name} backend, ${SLOWER[name]} slower than the native one (${refusals.join("; ")})`;

/** A backend that passed its self-test, or why there is none. */
const tryOpen = async (name: BackendName): Promise<Backend | string> => {
  try {
    const { tf, version } = await open(name);
    repairCore(tf);
    const problem = backendSelfTest(tf);
    return problem === undefined ? { name, version, tf } : `refused, it fails its self-test: ${problem}`;
  } catch (error) {
    return error instanceof Error ? error.message.split("\n")[0]! : String(error);
  }
};

const open = async (name: BackendName): Promise<{ readonly tf: TensorFlow; readonly version: string }> => {
  if (name === "tensorflow") return openNative();
  const tf = await loadTensorFlow();
  if (name === "wasm") await openWasm(tf);
  else {
    invariant(await tf.setBackend("cpu"), "the cpu backend is always there");
    repairCpu(tf);
  }
  return { tf, version: `tfjs ${tf.version_core}` };
};
