/** Every operation of the table on every backend that opens here, against plain arithmetic. */
import { type Backend, type BackendName, openBackend, type TensorFlow } from "@bulkhead/compute";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PARITY_BACKENDS, type ParityBackend, problemsOf, summaryOf } from "../compute/parity/backends.ts";
import { PARITY_CASES } from "../compute/parity/cases.ts";
import { type ParityResult, runParity } from "../compute/parity/run-parity.ts";
import { hasSwiftShader, withSwiftShader } from "../swiftshader.ts";

const open = (name: BackendName): Promise<Backend> =>
  name === "webgpu" && hasSwiftShader ? withSwiftShader(() => openBackend(name)) : openBackend(name);

/** Why it cannot be used here; `undefined` if it can. */
const whyNot = (name: BackendName): Promise<string | undefined> =>
  open(name).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

const parityOn = (backend: ParityBackend): void => {
  let tf: TensorFlow;
  const results: ParityResult[] = [];
  beforeAll(async () => {
    ({ tf } = await open(backend.name));
    // Small tensors would be computed on the processor, and be right there.
    if (backend.name === "webgpu") tf.env().set("WEBGPU_CPU_FORWARD", false);
  }, 120_000);
  afterAll(() => {
    process.stdout.write(`parity on ${summaryOf(backend.name, results)}\n`);
  });

  test.each(PARITY_CASES.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    const result = await runParity(tf, row);
    results.push(result);
    expect(problemsOf(backend, result)).toEqual([]);
  });
};

test("the table has 150 rows and more, each under a name of its own", () => {
  expect(new Set(PARITY_CASES.map(({ name }) => name)).size).toBe(PARITY_CASES.length);
  expect(PARITY_CASES.length).toBeGreaterThan(150);
});

for (const backend of Object.values(PARITY_BACKENDS)) {
  const reason = await whyNot(backend.name);
  const title = `parity on ${backend.name}${reason === undefined ? "" : ` (skipped: ${reason})`}`;
  describe.skipIf(reason !== undefined)(title, () => parityOn(backend));
}

test("wasm and cpu open everywhere", async () => {
  expect(await whyNot("wasm")).toBeUndefined();
  expect(await whyNot("cpu")).toBeUndefined();
});
