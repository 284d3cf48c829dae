import { defineConfig } from "vitest/config";

/** Whole scenarios in their own size, for which `npm test` has no time: `npm run test:long`. They run what is built. */
export default defineConfig({
  test: {
    name: "long",
    include: ["test/long/**/*.test.ts"],
    globalSetup: ["test/built.ts"],
    testTimeout: 4 * 3_600_000,
    hookTimeout: 600_000,
    // Each takes all cores for itself.
    fileParallelism: false,
  },
});
