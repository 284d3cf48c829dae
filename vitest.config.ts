import { defineConfig } from "vitest/config";

/** Unit tests run from unbuilt sources: the workspaces resolve to `src` under this export condition. */
const conditions = ["bulkhead-src"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // Vitest leaves one core idle otherwise: on two cores that is half of them.
    maxWorkers: "100%",
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/slow/**"],
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
        test: {
          name: "slow",
          include: ["test/slow/**/*.test.ts"],
          testTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
