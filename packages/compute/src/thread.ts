/**
 * Starts a module as a worker thread, built or not. Node 20 cannot load TypeScript, and `--import tsx` does nothing in
 * a worker, so that an unbuilt module is started by a line of JavaScript that registers tsx's loader first. A built
 * package never comes there: tsx is a tool of the repository and no dependency.
 */
import { SHARE_ENV, Worker, type WorkerOptions } from "node:worker_threads";

/** The export condition under which workspaces resolve to their sources. */
const SOURCE_CONDITION = "bulkhead-src";

const isBuilt = import.meta.url.endsWith(".js");

/**
 * Starts the thread `moduleUrl`, given as `new URL("./x.ts", import.meta.url)`: the source, or the `.js` built from it
 * where this package is built. `data` is the thread's `workerData`.
 *
 * The caller listens to `error` (without a listener a crash of the thread ends the process) and calls `terminate`.
 */
export const startThread = (moduleUrl: URL, data?: unknown): Worker => {
  // Native libraries read the process's environment, and never see a copy that is a thread's own.
  const options: WorkerOptions = { workerData: data, env: SHARE_ENV };
  if (isBuilt) return new Worker(new URL(moduleUrl.href.replace(/\.ts$/u, ".js")), options);
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const target = JSON.stringify(moduleUrl.href);
  return new Worker(`import(${loader}).then(({ register }) => (register(), import(${target})))`, {
    ...options,
    eval: true,
    execArgv: [`--conditions=${SOURCE_CONDITION}`],
  });
};
