import { chooseThreads } from "@bulkhead/compute";
import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllEnvs();
});

const threads = (before: string | undefined, parameters: number): string | undefined => {
  vi.stubEnv("TF_NUM_INTRAOP_THREADS", before);
  chooseThreads(parameters);
  return process.env["TF_NUM_INTRAOP_THREADS"];
};

test("a small model has one thread, a larger one what TensorFlow takes, and both what was set from outside", () => {
  expect(threads(undefined, 50_000)).toBe("1");
  expect(threads(undefined, 1_000_000)).toBeUndefined();
  expect(threads("3", 50_000)).toBe("3");
});
