/** The `wasm` backend, with the repairs that training needs and faster kernels for what takes it longest. */
import { createRequire } from "node:module";
import path from "node:path";
import type * as tfjsWasm from "@tensorflow/tfjs-backend-wasm";
import { repairCpu } from "./cpu-repairs.ts";
import { isFirstTime } from "./kernels.ts";
import type { TensorFlow } from "./tensorflow.ts";
import { repairFusedMatMul } from "./wasm-fused-mat-mul.ts";
import { routeMatMul } from "./wasm-mat-mul.ts";
import { repairKernels } from "./wasm-repairs.ts";
import { openWasmSimd } from "./wasm-simd.ts";
import { endIdleThreads, startingThreads, wasmThreadCount } from "./wasm-threads.ts";
import { routeTranspose } from "./wasm-transpose.ts";

/** Throws when WebAssembly or its file cannot be loaded. */
export const openWasm = async (tf: TensorFlow): Promise<void> => {
  const { default: wasm } = await import("@tensorflow/tfjs-backend-wasm");
  const require = createRequire(import.meta.url);
  const before = crashListeners();
  wasm.setWasmPaths(`${path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}${path.sep}`);
  const started = await start(tf, wasm).finally(() => forgetNewListeners(before));
  if (!started) throw new Error("WebAssembly did not start");
  const backend = tf.backend();
  if (!(backend instanceof wasm.BackendWasm)) throw new Error("another backend carries the name wasm");
  const cpu = repairCpu(tf);
  if (!isFirstTime(backend)) return;
  await endIdleThreads(backend.wasm);
  repairKernels(tf, backend, cpu);
  const kernels = openWasmSimd(backend.wasm);
  routeMatMul(tf, kernels);
  routeTranspose(tf, backend, kernels);
  repairFusedMatMul(tf, backend);
};

const start = async (tf: TensorFlow, wasm: Pick<typeof tfjsWasm, "setThreadsCount">): Promise<boolean> => {
  const threads = wasmThreadCount();
  // A backend that runs already keeps its threads.
  if (threads === 1 || !isFirstTime(wasm)) return tf.setBackend("wasm");
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", true);
  wasm.setThreadsCount(threads);
  return startingThreads(threads, () => tf.setBackend("wasm"));
};

const CRASHES = ["uncaughtException", "unhandledRejection"] as const;

const crashListeners = () => CRASHES.map((event) => new Set(process.rawListeners(event)));

/** Emscripten's loader makes itself responsible for every crash of the process; how a process ends is not its business. */
const forgetNewListeners = (before: readonly ReadonlySet<unknown>[]): void => {
  for (const [i, event] of CRASHES.entries())
    for (const listener of process.rawListeners(event))
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `rawListeners` gave is a listener
      if (!before[i]!.has(listener)) process.off(event, listener as (...args: unknown[]) => void);
};
