import { surveyBackends } from "@bulkhead/compute";
import { expect, test } from "vitest";

test("each backend is tried in a thread of its own, and measured or refused with a cure", async () => {
  const surveys = await surveyBackends();
  expect(surveys.map(({ name }) => name)).toEqual(["tensorflow", "webgpu", "wasm", "cpu"]);
  for (const survey of surveys)
    if (survey.usable) {
      expect(survey.selfTest).toBe("passed");
      expect(survey.gflops).toBeGreaterThan(0);
      expect(survey.gigabytesPerSecond).toBeGreaterThan(0);
    } else expect(survey.cure).not.toBe("");
  // The caller's own thread has opened none.
  expect(surveys.filter(({ name }) => name === "wasm" || name === "cpu").every(({ usable }) => usable)).toBe(
    true,
  );
});
