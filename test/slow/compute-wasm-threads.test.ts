/** Threads of WebAssembly: they come up in a process and in a thread of it, compute the same bits, and never outlive either. */
import os from "node:os";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Opened } from "../compute/programs/threaded-wasm.ts";

const PROGRAM = fileURLToPath(new URL("../compute/programs/threaded-wasm.ts", import.meta.url));
const COMMAND = ["--conditions=bulkhead-src", "--import", "tsx", PROGRAM];

/** Its lines, when it has ended by itself. */
const run = async (threads: number, args: readonly string[]): Promise<readonly string[]> => {
  const { stdout } = await promisify(execFile)(process.execPath, [...COMMAND, ...args], {
    env: { ...process.env, TF_NUM_INTRAOP_THREADS: String(threads) },
    timeout: 120_000,
  });
  return stdout.trim().split("\n");
};

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the program prints
const opened = (line: string | undefined): Opened => JSON.parse(line ?? "") as Opened;

test("the same bits come out of one thread and of two, in the process and in a thread of it", async () => {
  const [one] = await run(1, ["main"]);
  const [two] = await run(2, ["main"]);
  const [inWorker] = await run(2, ["worker"]);
  expect(opened(one)).toMatchObject({ threads: 0, restored: true });
  expect(opened(two)).toEqual({ ...opened(one), threads: Math.min(os.availableParallelism(), 2) - 1 });
  expect(opened(inWorker)).toEqual(opened(two));
});

test("a thread that is ended while its threads compute takes them with it", async () => {
  const lines = await run(2, ["worker", "busy"]);
  expect(lines.at(-1)).toBe("ended 1");
});

/** The threads of WebAssembly, and no others, end with an error before they are up. */
const BREAK_THREADS = `
  import threads from "node:worker_threads";
  threads.Worker = class extends threads.Worker {
    constructor(source, options) {
      const isOfWasm = options?.eval === true && String(source).includes("WasmBackendModuleThreadedSimd");
      super(isOfWasm ? 'throw new Error("none here")' : source, options);
    }
  };
`;

test("threads that do not start are an error with its cure, and no crash", async () => {
  const preload = `data:text/javascript,${encodeURIComponent(BREAK_THREADS)}`;
  const opening = promisify(execFile)(process.execPath, ["--import", preload, ...COMMAND, "main"], {
    env: { ...process.env, TF_NUM_INTRAOP_THREADS: "2" },
    timeout: 120_000,
  });
  await expect(opening).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^\s*InputError: .*its threads did not start: none here: TF_NUM_INTRAOP_THREADS=1 does without/mu,
    ),
  });
});
