/** What one backend does on this machine, tried and measured in the thread of the caller. */
import { InputError } from "@bulkhead/base";
import { type BackendName, openBackend } from "../backend/backend.ts";
import type { Tensor, TensorFlow } from "../backend/tensorflow.ts";

export type BackendSurvey = {
  readonly name: BackendName;
} & (
  | { readonly usable: false; readonly problem: string; readonly cure: string }
  | {
      readonly usable: true;
      /** Of the library that computes. */
      readonly version: string;
      /** What it was right about when it opened: its self-test. */
      readonly selfTest: "passed";
      /** Of products of square matrices in single precision. */
      readonly gflops: number;
      /** Read and written by additions of long vectors, their sum included. */
      readonly gigabytesPerSecond: number;
      /** By which the process grew, results and weights of the test included. */
      readonly residentBytes: number;
    }
);

const SIDE = 512;
const LONG = 2 ** 22;
/** Two operands read, a result written and read again. */
const BYTES_A_VALUE = 16;

export const probeBackend = async (name: BackendName): Promise<BackendSurvey> => {
  const before = process.memoryUsage.rss();
  try {
    const { tf, version } = await openBackend(name);
    const gflops = (await productsPerSecond(tf)) * 2e-9 * SIDE ** 3;
    const gigabytesPerSecond = (await additionsPerSecond(tf)) * 1e-9 * BYTES_A_VALUE * LONG;
    const residentBytes = Math.max(0, process.memoryUsage.rss() - before);
    return { name, usable: true, version, selfTest: "passed", gflops, gigabytesPerSecond, residentBytes };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    // Whoever asks for one backend is told which by the place.
    const problem = error.problem.replace(`${name}: `, "");
    return { name, usable: false, problem, cure: error.cure };
  }
};

const productsPerSecond = async (tf: TensorFlow): Promise<number> => {
  const [a, b] = [tf.ones([SIDE, SIDE]), tf.ones([SIDE, SIDE])];
  const rate = await perSecond(() => tf.matMul(a, b));
  tf.dispose([a, b]);
  return rate;
};

const additionsPerSecond = async (tf: TensorFlow): Promise<number> => {
  const [a, b] = [tf.ones([LONG]), tf.ones([LONG])];
  const rate = await perSecond(() => tf.tidy(() => tf.sum(tf.add(a, b))));
  tf.dispose([a, b]);
  return rate;
};

/** Long enough to be told from noise, short enough to wait for. */
const MEASURED_MS = 250;

/** The first call is not counted: it compiles, or grows the heap. */
const perSecond = async (run: () => Tensor): Promise<number> => {
  const once = async () => {
    const result = run();
    await result.data();
    result.dispose();
  };
  await once();
  const started = performance.now();
  let runs = 0;
  do {
    await once();
    runs++;
  } while (performance.now() - started < MEASURED_MS);
  return (1000 * runs) / (performance.now() - started);
};
