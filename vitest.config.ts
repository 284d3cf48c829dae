import os from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Unit tests run from unbuilt sources: the workspaces resolve to `src` under this export condition. */
const conditions = ["bulkhead-src"];

/** Slow and end-to-end tests run what a user runs: it loads and starts in a third of the time, and is made first. */
const built = {
  globalSetup: ["test/built.ts"],
  testTimeout: 300_000,
  hookTimeout: 300_000,
  server: { deps: { external: [/\/dist\//u] } },
};

/** The stories that take longest; the others go beside them. */
const LONGEST = ["malicious-coordinator", "coordinator-crash", "simulation-faults"];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONGEST.some((name) => moduleId.includes(name));
    const others = await super.sort(files.filter((file) => !isLong(file)));
    return [...files.filter(isLong), ...others];
  }
}

/**
 * Each in a process of its own: what one does to a GPU's library, another would find; and a gradient that is refused
 * leaves tensors behind, which TensorFlow.js never frees.
 */
const ALONE = [
  "test/slow/compute-webgpu*.test.ts",
  "test/slow/compute-parity.test.ts",
  "test/slow/compute-backend-repairs.test.ts",
];

export default defineConfig({
  test: {
    // What TypeScript became, by the content of the file: a second run saves five seconds.
    experimental: { fsModuleCache: true },
    sequence: { sequencer: LongestFirst },
    // Vitest leaves one core idle otherwise: on two cores that is half of them.
    maxWorkers: "100%",
    projects: [
      {
        extends: true,
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/slow/**", "test/long/**"],
          testTimeout: 20_000,
          // Files of a worker share its modules, which are then loaded once; `leave-no-trace.ts` keeps them apart.
          isolate: false,
          setupFiles: ["test/leave-no-trace.ts"],
          // Which the native backend sets when it is loaded; and work this small is done before threads are up.
          env: { TF_CPP_MIN_LOG_LEVEL: "2", TF_NUM_INTRAOP_THREADS: "1" },
        },
      },
      {
        extends: true,
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: {
          name: "alone",
          include: ALONE,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          env: { TF_CPP_MIN_LOG_LEVEL: "2" },
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...built,
          name: "slow",
          include: ["test/slow/**/*.test.ts"],
          exclude: ALONE,
          isolate: false,
          setupFiles: ["test/leave-no-trace.ts"],
          env: { TF_CPP_MIN_LOG_LEVEL: "2" },
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...built,
          name: "long",
          include: ["test/long/**/*.test.ts"],
          testTimeout: 4 * 3_600_000,
          // Each takes all cores for itself.
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          ...built,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          // Its processes wait for each other a good part of the time.
          maxWorkers: os.availableParallelism() + 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
