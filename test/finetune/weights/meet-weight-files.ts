/**
 * Model files from strangers: whatever their bytes say, they are read or refused, in little memory. A quarter of them are as
 * they were drawn, which is with lies; the others are changed in bytes as well.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { InputError } from "@bulkhead/base";
import { openWeights, type Weights, writeSafetensors } from "@bulkhead/finetune";
import { expect } from "vitest";
import { inputsOf } from "../../base/meet-many.ts";
import { FINETUNE_DECODERS } from "../decoders.ts";
import { hostileGguf, hostileIndex, SHARDS } from "./hostile-files.ts";

const CEILING = 256 * 2 ** 20;

const newFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), "fuzz-"));

const shardFolder = (): string => {
  const folder = newFolder();
  for (const [i, name] of SHARDS.entries()) {
    const tensor = { name: "ab"[i]!, shape: [2], values: Float32Array.of(1, 2) };
    fs.writeFileSync(path.join(folder, name), writeSafetensors([tensor]));
  }
  execFileSync("mkfifo", [path.join(folder, "pipe.safetensors")]);
  fs.symlinkSync("loop.safetensors", path.join(folder, "loop.safetensors"));
  return folder;
};

export const WEIGHT_FORMATS = [
  { name: "gguf", folder: newFolder, file: "model.gguf", open: "model.gguf", input: hostileGguf },
  {
    name: "safetensors",
    folder: newFolder,
    file: "model.safetensors",
    open: "model.safetensors",
    input: FINETUNE_DECODERS[0]!.input,
  },
  {
    name: "shards",
    folder: shardFolder,
    file: "model.safetensors.index.json",
    open: ".",
    input: hostileIndex,
  },
];

/** Opened side by side, since a file this small is waited for more than it is worked on. */
const LANES = 8;

/** One line, which a terminal can show. */
const checkRefusal = (error: unknown): void => {
  if (!(error instanceof InputError) || !/^model-(?:gguf|safetensors|files|tensor)$/u.test(error.code))
    throw error;
  if (error.message.length > 2000 || /\p{Cc}/u.test(error.message))
    throw new Error(`an error that no terminal should show: ${JSON.stringify(error.message)}`);
};

/** Everything that is listed can be read, fills its shape, or is refused for its type; all of it stands in the file. */
const checkTensors = async (weights: Weights, size: number): Promise<void> => {
  let bytes = 0;
  for (const { name, shape, type, bytes: length } of weights.tensors.values()) {
    bytes += length;
    const values = shape.reduce((product, side) => product * side, 1);
    try {
      const read = await (name.length % 2 === 0 ? weights.floats(name) : weights.halves(name));
      if (read.length !== values) throw new Error("a shape that is not filled");
    } catch (error) {
      checkRefusal(error);
      if (/^(?:F32|F16|BF16|Q4_[01]|Q5_[01]|Q8_0|Q[456]_K)$/u.test(type)) throw error;
    }
  }
  if (bytes > size) throw new Error("tensors share bytes, or have some that the file has not");
};

const takes = async (place: string, size: number): Promise<boolean> => {
  let weights: Weights;
  try {
    weights = await openWeights(place);
  } catch (error) {
    checkRefusal(error);
    return false;
  }
  await checkTensors(weights, size);
  await weights.close();
  return true;
};

/** Where the system tells. */
const openFiles = (): number => (fs.existsSync("/proc/self/fd") ? fs.readdirSync("/proc/self/fd").length : 0);

/** Each is taken or refused as it must be; they stay in little memory and leave no file open. */
export const meetWeightFiles = async (
  { name, folder, file, open, input }: (typeof WEIGHT_FORMATS)[number],
  count: number,
): Promise<void> => {
  const before = { memory: process.resourceUsage().maxRSS * 1024, files: openFiles() };
  const inputs = inputsOf({ name, input }, count);
  let [met, taken] = [0, 0];
  const lane = async (place: string): Promise<void> => {
    for (let next = inputs.next(); next.done !== true; next = inputs.next()) {
      const bytes = next.value;
      fs.writeFileSync(path.join(place, file), bytes);
      // Shards have eight bytes of values each.
      if (await takes(path.join(place, open), open === "." ? 16 : bytes.length)) taken++;
      met++;
    }
  };
  await Promise.all(Array.from({ length: LANES }, () => lane(folder())));
  expect(met).toBe(count);
  expect(taken).toBeGreaterThan(count / 100);
  expect(taken).toBeLessThan(count / 2);
  expect(process.resourceUsage().maxRSS * 1024 - before.memory).toBeLessThan(CEILING);
  expect(openFiles()).toBeLessThan(before.files + 8);
};
