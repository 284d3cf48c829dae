/** Opens wasm with the threads that the environment allows, here or in a worker thread, and prints what came of it. */
import os from "node:os";
import { openBackend, type Tensor } from "@bulkhead/compute";
import threads, { isMainThread, Worker } from "node:worker_threads";

const [where, then] = process.argv.slice(2);

export interface Opened {
  /** That compute beside the caller's. */
  readonly threads: number;
  readonly restored: boolean;
  /** Bits of products whose sides are no multiple of anything. */
  readonly products: readonly number[];
}

const open = async (): Promise<Opened> => {
  const before = [threads.Worker, os.cpus, Reflect.get(globalThis, "Worker")];
  const { tf } = await openBackend("wasm");
  const after = [threads.Worker, os.cpus, Reflect.get(globalThis, "Worker")];
  const matrix = (rows: number, columns: number): Tensor =>
    tf.tensor2d(
      Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i * 12.9898)),
      [rows, columns],
    );
  const product = tf.matMul(matrix(131, 67), matrix(67, 257)).dataSync();
  const pool: unknown = Reflect.get(Object(Reflect.get(tf.backend(), "wasm")), "PThread");
  const running: unknown = Reflect.get(Object(pool), "runningWorkers");
  return {
    threads: Array.isArray(running) ? running.length : 0,
    restored: before.every((each, i) => each === after[i]),
    products: Array.from(new Int32Array(Float32Array.from(product).buffer)).filter((_, i) => i % 1000 === 0),
  };
};

if (where === "worker" && isMainThread) {
  // tsx registers itself in a thread only where it is told to.
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const code = `import(${loader}).then(({ register }) => (register(), import(${JSON.stringify(import.meta.url)})))`;
  const worker = new Worker(code, {
    eval: true,
    argv: [where, then ?? ""],
    execArgv: ["--conditions=bulkhead-src"],
  });
  worker.on("message", () => void worker.terminate());
  worker.on("exit", (exitCode) => process.stdout.write(then === "busy" ? `ended ${exitCode}\n` : ""));
} else {
  const opened = await open();
  process.stdout.write(`${JSON.stringify(opened)}\n`);
  if (then === "busy") {
    const { tf } = await openBackend("wasm");
    threads.parentPort?.postMessage("computing");
    for (;;) tf.tidy(() => tf.matMul(tf.ones([512, 512]), tf.ones([512, 512])));
  }
}
