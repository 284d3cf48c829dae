/**
 * Threads for tfjs-backend-wasm 4.22.0 in Node, which that package rules out there for three reasons: its loader starts
 * threads from the URL of a blob, they read their code from a blob as if it were a file, and it takes at most half of the
 * cores. While the backend starts, this thread's `Worker` and `os.cpus` answer so that it works.
 */
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import threads, { type Worker, type WorkerOptions } from "node:worker_threads";
import { invariant } from "@bulkhead/base";

/** More the library never takes. */
const MOST = 8;

/**
 * One, or as many as `TF_NUM_INTRAOP_THREADS` says and there are cores: the products, which take a step most of its time,
 * are made by kernels of our own in the thread that asks, and the rest gains less than threads cost at the start.
 */
export const wasmThreadCount = (): number => {
  const cores = os.availableParallelism();
  const wanted = Number(process.env["TF_NUM_INTRAOP_THREADS"] ?? 1);
  return wanted >= 1 ? Math.min(Math.floor(wanted), cores, MOST) : 1;
};

/** Runs `start` so that the threads it asks for come up; they do not keep the process alive. Throws when one does not. */
export const startingThreads = async (count: number, start: () => Promise<boolean>): Promise<boolean> => {
  const { pool, failed, PoolWorker, settle } = threadPool();
  const before = { Worker: threads.Worker, cpus: os.cpus, global: Reflect.get(globalThis, "Worker") };
  Reflect.set(threads, "Worker", PoolWorker);
  Reflect.set(os, "cpus", () => Array.from({ length: 2 * count }, () => before.cpus()[0]));
  try {
    return await Promise.race([start(), failed]);
  } catch (error) {
    await Promise.all([...pool].map((worker) => worker.terminate()));
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`its threads did not start: ${message}: TF_NUM_INTRAOP_THREADS=1 does without`, {
      cause: error,
    });
  } finally {
    Reflect.set(threads, "Worker", before.Worker);
    Reflect.set(os, "cpus", before.cpus);
    // The loader puts it there, and needs it no more.
    if (before.global === undefined) Reflect.deleteProperty(globalThis, "Worker");
    settle();
    for (const worker of pool) worker.unref();
  }
};

interface ThreadPool {
  readonly pool: ReadonlySet<Worker>;
  /** Rejects when a thread fails before {@link ThreadPool.settle}; later failures are the loader's, which throws them. */
  readonly failed: Promise<never>;
  readonly settle: () => void;
  readonly PoolWorker: typeof Worker;
}

/** The loader starts {@link MOST} threads whatever it is told; gives back those that compute nothing. */
export const endIdleThreads = async (module: object): Promise<void> => {
  const idle: unknown = Reflect.get(Object(Reflect.get(module, "PThread")), "unusedWorkers");
  if (!Array.isArray(idle)) return;
  for (const worker of idle.splice(0)) if (worker instanceof threads.Worker) await worker.terminate();
};

const threadPool = (): ThreadPool => {
  const { code, file } = threadCode();
  const ours = new Set<Worker>();
  let isStarting = true;
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  class PoolWorker extends threads.Worker {
    constructor(source: string | URL, options?: WorkerOptions) {
      const isOurs = typeof source === "string" && source.startsWith("blob:");
      // Without the flags of this process: a loader of sources is nothing to them.
      super(isOurs ? code : source, isOurs ? { eval: true, execArgv: [] } : options);
      if (isOurs) ours.add(this);
    }

    override on(event: string, listener: (...args: never[]) => void): this {
      const heard =
        ours.has(this) && event === "error"
          ? (error: Error) => (isStarting ? fail(error) : Reflect.apply(listener, this, [error]))
          : listener;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an emitter cannot know what its listeners take
      return super.on(event, heard as (...args: unknown[]) => void);
    }

    override postMessage(...[message, transfer]: Parameters<Worker["postMessage"]>): void {
      const isLoading =
        ours.has(this) && typeof message === "object" && Reflect.get(message, "cmd") === "load";
      super.postMessage(isLoading ? { ...message, urlOrBlob: file } : message, transfer);
    }
  }
  return { pool: ours, failed, PoolWorker, settle: () => (isStarting = false) };
};

/** What the package gives a thread to run, for Node: told where it lies, and with its handler where it looks for it. */
const threadCode = (): { readonly code: string; readonly file: string } => {
  const require = createRequire(import.meta.url);
  const name = "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd";
  const file = require.resolve(`${name}.js`);
  const contents: unknown = Reflect.get(Object(require(`${name}.worker.js`)), "wasmWorkerContents");
  invariant(typeof contents === "string", "tfjs-backend-wasm 4.22.0 exports what its threads run");
  const places = { __dirname: path.dirname(file), __filename: file };
  const code = contents
    .replaceAll("\n", String.raw`\n`)
    .replace("onmessage({data:data})", "self.onmessage({data:data})");
  return { code: `Object.assign(globalThis, ${JSON.stringify(places)});${code}`, file };
};
