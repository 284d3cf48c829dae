import Module from "node:module";
import { type BackendName, backendSelfTest, openBackend } from "@bulkhead/compute";
import { afterEach, describe, expect, test } from "vitest";

/** Runs as if requiring the native package failed with `message`. */
const withoutNative = async <T>(message: string, body: () => Promise<T>): Promise<T> => {
  const load: unknown = Reflect.get(Module, "_load");
  if (typeof load !== "function") throw new Error("Node's loader has no _load");
  Reflect.set(Module, "_load", (...args: readonly unknown[]): unknown => {
    if (args[0] === "@tensorflow/tfjs-node-gpu") throw new Error(message);
    return Reflect.apply(load, Module, args);
  });
  try {
    return await body();
  } finally {
    Reflect.set(Module, "_load", load);
  }
};

/** Replaces a kernel of the cpu backend by one whose first result is wrong in one value. */
const corruptKernel = async (kernelName: string): Promise<() => void> => {
  const { tf } = await openBackend("cpu");
  const right = tf.getKernel(kernelName, "cpu");
  if (right === undefined) throw new Error(`no kernel ${kernelName}`);
  const restore = () => {
    tf.unregisterKernel(kernelName, "cpu");
    tf.registerKernel(right);
  };
  tf.unregisterKernel(kernelName, "cpu");
  tf.registerKernel({
    ...right,
    kernelFunc: (call) => {
      const result = right.kernelFunc(call);
      const { dataId } = Array.isArray(result) ? result[0]! : result;
      const values = tf.backend().readSync(dataId);
      if (values instanceof Float32Array) values[values.length - 1]! += 0.001;
      return result;
    },
  });
  return restore;
};

describe("opening a backend", () => {
  const undo: (() => void)[] = [];
  afterEach(() => {
    for (const restore of undo.splice(0)) restore();
  });

  test.each<BackendName>(["cpu", "wasm"])("%s opens, says its version and leaves no tensor", async (name) => {
    // Of other files of this worker there may be some.
    const { numTensors } = (await openBackend("cpu")).tf.memory();
    const backend = await openBackend(name);
    expect(backend).toMatchObject({ name, version: "tfjs 4.22.0" });
    expect(backend.tf.getBackend()).toBe(name);
    expect(backend.tf.memory().numTensors).toBe(numTensors);
  });

  test("auto falls back to wasm without the native package, and says what would help", async () => {
    const backend = await withoutNative("Cannot find module '@tensorflow/tfjs-node-gpu'", () =>
      openBackend(),
    );
    expect(backend.name).toBe("wasm");
    expect(backend.notice).toContain("tensorflow: not installed: run `npm run setup:native`");
  });

  test("a native package without its addon is refused by name, with the cure", async () => {
    const opening = withoutNative("The addon can not be found at path: /x. \nPlease run", () =>
      openBackend("tensorflow"),
    );
    await expect(opening).rejects.toMatchObject({
      code: "backend-unavailable",
      place: "backend tensorflow",
      problem: "tensorflow: the addon is not built: run `npm run setup:native`",
    });
  });

  test.each([
    ["BatchMatMul", "matMul"],
    ["Softmax", "softmax"],
    ["UnsortedSegmentSum", "the gradient of gather"],
    ["Tanh", "an elementwise gradient"],
  ])("a backend whose %s is wrong in one value is refused by name", async (kernel, named) => {
    undo.push(await corruptKernel(kernel));
    await expect(openBackend("cpu")).rejects.toMatchObject({
      code: "backend-unavailable",
      problem: expect.stringContaining(`cpu: refused, it fails its self-test: ${named}`),
    });
  });

  test("opening wasm does not take over how the process crashes", async () => {
    const before = process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection");
    await openBackend("wasm");
    const after = process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection");
    expect(after).toBe(before);
  });

  test("the self-test passes again after the kernel is repaired", async () => {
    const restore = await corruptKernel("BatchMatMul");
    const { tf } = await openBackend("wasm");
    await tf.setBackend("cpu");
    expect(await backendSelfTest(tf)).toMatch(/^matMul is off by/u);
    restore();
    expect(await backendSelfTest(tf)).toBeUndefined();
  });
});
