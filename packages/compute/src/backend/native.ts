/**
 * The `tensorflow` backend: @tensorflow/tfjs-node-gpu with its addon, which `npm run setup:native` builds. npm may have
 * left the package out, or installed it without the addon: both are ordinary.
 */
import { createRequire } from "node:module";
import util from "node:util";
import { isBf16Wanted } from "./bf16.ts";
import { isFirstTime, isOfIntegers, kernelOf, replaceWhere } from "./kernels.ts";
import type { TensorFlow } from "./tensorflow.ts";

const PACKAGE = "@tensorflow/tfjs-node-gpu";
const CURE = "run `npm run setup:native`";

/** Throws, in one line, when the package or its addon is not there. */
export const openNative = async (): Promise<{ readonly tf: TensorFlow; readonly version: string }> => {
  const require = createRequire(import.meta.url);
  restoreRemovedNodeFunctions();
  // Read by the library while it loads.
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2";
  const tf = loadAddon(require);
  tf.env().set("PROD", true);
  if (!(await tf.setBackend("tensorflow"))) throw new Error("TensorFlow did not start");
  repairNative(tf);
  return { tf, version: `TensorFlow ${libraryVersion(tf)}${isBf16Wanted() ? ", products in bf16" : ""}` };
};

/** TensorFlow rounds whole numbers to 0. */
const repairNative = (tf: TensorFlow): void => {
  if (isFirstTime(tf.backend()))
    replaceWhere(tf, ["tensorflow", "Round"], isOfIntegers, kernelOf(tf, "tensorflow", "Identity"));
};

const loadAddon = (require: NodeJS.Require): TensorFlow => {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the package exports all that @tensorflow/tfjs does
    return require(PACKAGE) as TensorFlow;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (message.includes("Cannot find module")) throw new Error(`not installed: ${CURE}`, { cause: error });
    if (message.includes("can not be found at path"))
      throw new Error(`the addon is not built: ${CURE}`, { cause: error });
    throw new Error(`the addon does not load: ${message.split("\n")[0]}: ${CURE}`, { cause: error });
  }
};

/** Node 23 removed two functions that tfjs-node 4.22.0 calls; the fix is merged there and unreleased. */
const restoreRemovedNodeFunctions = (): void => {
  const removed: Readonly<Record<string, (value: unknown) => boolean>> = {
    isNullOrUndefined: (value) => value === null || value === undefined,
    isArray: Array.isArray,
  };
  for (const [name, value] of Object.entries(removed))
    if (!(name in util)) Object.defineProperty(util, name, { value, configurable: true });
};

const libraryVersion = (tf: TensorFlow): string => {
  const backend: unknown = tf.backend();
  const version = field(field(backend, "binding"), "TF_Version");
  return typeof version === "string" ? version : "of unknown version";
};

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
