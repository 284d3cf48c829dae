/** The webgpu backend on SwiftShader, whose shaders take long to compile: what stock TensorFlow.js gets wrong there. */
import { openBackend, type Tensor, type TensorFlow } from "@bulkhead/compute";
import { openThreadedTrainer, openTrainer } from "@bulkhead/finetune";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { randomModel, TINY_EXAMPLES, TINY_TASK, tinyJob } from "../finetune/tiny-classifier.ts";
import { tinyModelFolder } from "../finetune/tiny-model.ts";
import { hasSwiftShader, SWIFTSHADER_REASON, withSwiftShader } from "../swiftshader.ts";

/** Whole numbers over all 32 bits. */
const wide = (count: number, start: number): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => Math.imul(i + start, 0x9e37_79b1) ^ (i << 7));

describe.skipIf(!hasSwiftShader)(`without a GPU${SWIFTSHADER_REASON}`, () => {
  afterEach(() => vi.doUnmock("webgpu"));

  const refusal = async (): Promise<unknown> => withSwiftShader(() => openBackend("webgpu"));

  test("another package of that name is refused, with the cure", async () => {
    vi.doMock("webgpu", () => ({ default: "a polyfill" }));
    await expect(refusal()).rejects.toMatchObject({
      code: "backend-unavailable",
      place: "backend webgpu",
      problem: "webgpu: the package webgpu is another one: run `npm ci`",
    });
  });

  test("no adapter is refused, with the cure", async () => {
    vi.doMock("webgpu", () => ({ globals: {}, create: () => ({ requestAdapter: async () => null }) }));
    await expect(refusal()).rejects.toMatchObject({
      problem: "webgpu: no GPU was found: install its driver",
    });
  });
});

describe.skipIf(!hasSwiftShader)(`the webgpu backend${SWIFTSHADER_REASON}`, () => {
  let tf: TensorFlow;
  beforeAll(async () => {
    vi.doUnmock("webgpu");
    const backend = await withSwiftShader(() => openBackend("webgpu"));
    tf = backend.tf;
    expect(backend.name).toBe("webgpu");
    expect(backend.version).toMatch(/^tfjs 4\.22\.0 on google SwiftShader/u);
    expect(backend.notice).toMatch(/a GPU in software, tens of times slower than the wasm backend$/u);
    expect(tf.memory().numTensors).toBe(0);
    // Small tensors would be computed on the processor, and be right there.
    tf.env().set("WEBGPU_CPU_FORWARD", false);
  }, 120_000);

  const valuesOf = async (make: () => Tensor): Promise<readonly number[]> => {
    const result = tf.tidy(make);
    const values = Array.from(await result.data());
    result.dispose();
    return values;
  };

  const [a, b] = [wide(60, 1), wide(60, 1000)];
  const ints = (values: Int32Array, shape: number[] = [values.length]) => tf.tensor(values, shape, "int32");

  test.each<readonly [string, () => Tensor, (i: number) => number]>([
    ["add", () => tf.add(ints(a), ints(b)), (i) => (a[i]! + b[i]!) | 0],
    ["mul", () => tf.mul(ints(a), ints(b)), (i) => Math.imul(a[i]!, b[i]!)],
    ["add of a row", () => tf.add(ints(a, [6, 10]), ints(b.slice(0, 10))), (i) => (a[i]! + b[i % 10]!) | 0],
    ["floorDiv", () => tf.floorDiv(ints(a), ints(Int32Array.of(-7))), (i) => Math.floor(a[i]! / -7)],
    ["neg", () => tf.neg(ints(a)), (i) => -a[i]! | 0],
    ["less", () => tf.less(ints(a), ints(a.map((v) => v ^ 1))), (i) => Number(a[i]! < (a[i]! ^ 1))],
    ["slice", () => tf.slice(ints(a), 3, 50), (i) => a[i + 3]!],
    ["concat", () => tf.concat([ints(a), ints(b)]), (i) => (i < 60 ? a[i]! : b[i - 60]!)],
    ["split", () => tf.split(ints(a), 2)[1]!, (i) => a[i + 30]!],
    ["gather", () => tf.gather(ints(a), [59, 0, 59]), (i) => a[[59, 0, 59][i]!]!],
    ["pad", () => tf.pad(ints(a), [[1, 0]], 2 ** 30 + 1), (i) => (i === 0 ? 2 ** 30 + 1 : a[i - 1]!)],
    ["where", () => tf.where(tf.less(ints(a), 0), ints(b), ints(a)), (i) => (a[i]! < 0 ? b[i]! : a[i]!)],
    // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type -- a shape, not a value
    ["fill", () => tf.fill([3], 2 ** 25 + 1, "int32"), () => 2 ** 25 + 1],
    [
      "transpose",
      () => tf.transpose(ints(a, [3, 4, 5]), [2, 0, 1]),
      (i) => a[(Math.floor(i / 4) % 3) * 20 + (i % 4) * 5 + Math.floor(i / 12)]!,
    ],
    ["cast to float32", () => tf.cast(ints(a), "float32"), (i) => Math.fround(a[i]!)],
    ["max", () => tf.max(ints(a)), () => Math.max(...a)],
  ])("int32 %s is exact", async (_, make, wanted) => {
    const values = await valuesOf(make);
    expect(values).toEqual(values.map((_value, i) => wanted(i)));
  });

  test("a sum of more integers than one invocation adds wraps around", async () => {
    const many = wide(3 * 600, 7);
    const sums = await valuesOf(() => tf.sum(ints(many, [3, 600]), 1));
    expect(sums).toEqual(
      [0, 1, 2].map((row) => many.slice(600 * row, 600 * (row + 1)).reduce((sum, v) => (sum + v) | 0, 0)),
    );
  });

  test("a product over a broadcast batch takes each operand from its own place", async () => {
    const [x, y] = [2 * 3 * 2 * 2, 2 * 2 * 2].map((size) =>
      Float32Array.from({ length: size }, (_, i) => i - 4),
    );
    const products = await valuesOf(() =>
      tf.matMul(tf.tensor4d(x!, [2, 3, 2, 2]), tf.tensor4d(y!, [2, 1, 2, 2])),
    );
    const wanted = products.map((_, at) => {
      const [batch, row, column] = [Math.floor(at / 12), Math.floor(at / 2), at % 2];
      return x![2 * row]! * y![4 * batch + column]! + x![2 * row + 1]! * y![4 * batch + 2 + column]!;
    });
    expect(products).toEqual(wanted);
  });

  test("twenty tensors are added, though a shader reads fewer", async () => {
    expect(await valuesOf(() => tf.addN(Array.from({ length: 20 }, (_, i) => tf.tensor1d([i, 1]))))).toEqual([
      190, 20,
    ]);
  });

  test("a running sum from the end brings all along", async () => {
    expect(await valuesOf(() => tf.cumsum(tf.tensor1d([1, 2, 3, 4, 5]), 0, false, true))).toEqual([
      15, 14, 12, 9, 5,
    ]);
  });

  test("all and any of columns are found", async () => {
    const flags = () => tf.tensor2d([1, 0, 1, 0, 0, 1], [2, 3], "bool");
    expect(await valuesOf(() => tf.all(flags(), 0))).toEqual([0, 0, 1]);
    expect(await valuesOf(() => tf.any(flags(), 0))).toEqual([1, 0, 1]);
  });

  test("a cast of flags can be transposed", async () => {
    const mask = () => tf.cast(tf.greater(tf.tensor3d([1, -1, -1, 1, 1, 1], [1, 2, 3]), 0), "float32");
    expect(await valuesOf(() => tf.transpose(mask(), [0, 2, 1]))).toEqual([1, 1, 0, 1, 0, 1]);
  });

  test("exact kernels leave neither tensors nor data behind", async () => {
    const x = ints(a, [6, 10]);
    const before = [tf.memory().numTensors, tf.backend().numDataIds()];
    for (let i = 0; i < 20; i++)
      tf.tidy(() => {
        tf.sum(tf.concat([x, x]), 0);
        tf.cumsum(tf.cast(x, "float32"), 0, true, true);
        tf.unstack(x);
        tf.addN([x, x, x]);
        tf.addN([x]);
      });
    expect([tf.memory().numTensors, tf.backend().numDataIds()]).toEqual(before);
    x.dispose();
  });

  test.each<readonly [string, () => unknown, string]>([
    [
      "cumsum of int32",
      () => tf.cumsum(ints(a)),
      "Cumsum on webgpu: not of int32, which it would round to 24 bits",
    ],
    ["argMax of int32", () => tf.argMax(ints(a)), "ArgMax on webgpu: not of int32"],
    [
      "rows beyond 2^24",
      () => tf.oneHot(tf.tensor1d([1], "int32"), 2 ** 24 + 1),
      "OneHot on webgpu: not along a side longer than 2^24",
    ],
    [
      "a tensor beyond the GPU's buffers",
      () => tf.add(tf.tensor1d(new Float32Array(1)), tf.zeros([2 ** 28 + 1])),
      "Add on webgpu: a tensor of 1073741828 bytes does not fit this GPU's 1073741824: use a smaller batch",
    ],
    ["dataSync", () => tf.square(tf.scalar(2)).dataSync(), "use `await data()` in place of `dataSync`"],
  ])("%s is refused by name, with the cure", (_, run, says) => {
    expect(() => tf.tidy(() => void run())).toThrow(says);
  });

  test("auto passes a software renderer over, and says so", async () => {
    const { name, notice } = await openBackend("auto");
    expect(name).not.toBe("webgpu");
    if (notice !== undefined) expect(notice).toMatch(/webgpu: google SwiftShader .* is a software renderer/u);
  });

  test("a trainer in a thread trains on it, and gives what the cpu backend gives", async () => {
    const spec = {
      kind: "classifier",
      modelFolder: tinyModelFolder(),
      task: TINY_TASK,
      examples: TINY_EXAMPLES,
    } as const;
    const there = await withSwiftShader(() => openThreadedTrainer({ ...spec, backend: "webgpu" }));
    const here = await openTrainer({ ...spec, backend: "cpu" });
    const job = tinyJob(await randomModel(spec.modelFolder, TINY_TASK), { localSteps: 3 });
    const [got, wanted] = [await there.train(job), await here.train(job)];
    await there.close();
    await here.close();
    if (got.type !== "trained" || wanted.type !== "trained") throw new Error("not trained");
    expect(got.lossSum).toBeCloseTo(wanted.lossSum, 4);
    const off = Array.from(got.update, (value, i) => Math.abs(value - wanted.update[i]!));
    const largest = Math.max(...Array.from(wanted.update, Math.abs));
    expect(Math.max(...off) / largest).toBeLessThan(1e-3);
  });

  test("an operation that the GPU refuses is an error when its result is read, and from then on", async () => {
    await openBackend("webgpu");
    const x = tf.tensor1d([1, 2]);
    const backend = tf.backend();
    const run: unknown = Reflect.get(backend, "runWebGPUProgram");
    if (typeof run !== "function") throw new Error("another backend is in force");
    const program = {
      variableNames: ["A"],
      outputShape: [2],
      workgroupSize: [64, 1, 1],
      dispatchLayout: { x: [0] },
      dispatch: [1, 1, 1],
      size: true,
      shaderKey: "broken",
      getUserCode: () => "fn main(index : i32) { broken }",
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the backend's runWebGPUProgram gives
    const { dataId } = Reflect.apply(run, backend, [program, [x], "float32"]) as { readonly dataId: object };
    await expect(backend.read(dataId)).rejects.toThrow(
      "the GPU refused an operation, its results are lost: ",
    );
    await expect(tf.square(x).data()).rejects.toThrow("the GPU refused an operation");
    await expect(openBackend("webgpu")).rejects.toThrow("the GPU refused an operation");
  });
});
