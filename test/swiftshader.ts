/**
 * SwiftShader, a GPU in software that Chromium carries: what tests of WebGPU run on where there is no other. It is found
 * when the first GPU of a process is asked for, and stays.
 */
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const FOLDER = "/usr/lib/chromium";
const DRIVER = path.join(FOLDER, "vk_swiftshader_icd.json");
const VULKAN = path.join(FOLDER, "libvulkan.so.1");
/** Not among Node's constants: what is loaded so is never unloaded (glibc, <dlfcn.h>). */
const RTLD_NODELETE = 0x1000;

const dawnFile = (): string | undefined => {
  try {
    return createRequire(import.meta.resolve("@bulkhead/compute")).resolve("webgpu");
  } catch {
    return undefined;
  }
};

export const hasSwiftShader = fs.existsSync(DRIVER) && fs.existsSync(VULKAN) && dawnFile() !== undefined;

/** Follows the name of what is skipped without it. */
export const SWIFTSHADER_REASON = hasSwiftShader
  ? ""
  : " (skipped: needs webgpu's adapter: chromium's SwiftShader or a GPU)";

/** Calls `body`, which opens a GPU, so that it finds SwiftShader; the environment is as before then. */
export const withSwiftShader = async <T>(body: () => Promise<T>): Promise<T> => {
  const before = process.env["VK_ICD_FILENAMES"];
  process.env["VK_ICD_FILENAMES"] = DRIVER;
  try {
    loadVulkan();
    return await body();
  } finally {
    if (before === undefined) delete process.env["VK_ICD_FILENAMES"];
    else process.env["VK_ICD_FILENAMES"] = before;
  }
};

/** Dawn looks for Vulkan's loader by name, where Chromium's is not; one that is loaded already it finds by its own. */
const loadVulkan = (): void => {
  try {
    process.dlopen({ exports: {} }, VULKAN, os.constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch (error) {
    // No module of Node's: it is loaded all the same.
    if (!(error instanceof Error && error.message.includes("did not self-register"))) throw error;
  }
};

interface DawnClasses {
  readonly GPUDevice: { readonly prototype: GPUDevice };
  readonly GPUBuffer: { readonly prototype: GPUBuffer };
}

/** The classes whose objects Dawn gives, to watch what is done with them. */
export const dawnClasses = async (): Promise<DawnClasses> => {
  const dawn: unknown = await import(dawnFile()!);
  const classes: unknown =
    typeof dawn === "object" && dawn !== null ? Reflect.get(dawn, "globals") : undefined;
  if (!hasClasses(classes)) throw new Error("Dawn has other classes");
  return classes;
};

const hasClasses = (found: unknown): found is DawnClasses =>
  typeof found === "object" && found !== null && "GPUDevice" in found && "GPUBuffer" in found;
