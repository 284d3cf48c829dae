/**
 * Matrix products of 32-bit floats taken in bfloat16, by oneDNN inside TensorFlow, where a processor has instructions for
 * it: two to three times as fast, exact to three digits. Results then differ from one kind of processor to the next, so
 * that it is done only where somebody asks, and named wherever a backend is.
 */
import fs from "node:fs";
import { InputError } from "@bulkhead/base";

/** Read by oneDNN when TensorFlow is loaded. */
const VARIABLE = "TF_SET_ONEDNN_FPMATH_MODE";
const INSTRUCTIONS = ["amx_bf16", "avx512_bf16"];

/** Asks for it in all of this process's threads. Throws an {@link InputError} where the processor cannot; before a backend is opened. */
export const useBf16 = (): void => {
  process.env[VARIABLE] = "BF16";
  expectBf16();
};

export const isBf16Wanted = (): boolean => process.env[VARIABLE] === "BF16";

/** Throws an {@link InputError} where it was asked for, also by that variable from outside, and the processor cannot. */
export const expectBf16 = (cpuInfo: () => string = linuxCpuInfo): void => {
  if (!isBf16Wanted() || bf16Instructions(cpuInfo()).length > 0) return;
  throw new InputError({
    code: "backend-bf16",
    place: `${VARIABLE}=BF16`,
    problem: `this processor has neither ${INSTRUCTIONS.join(" nor ")}, as far as can be told`,
    cure: "set `precision: f32` and unset the variable",
  });
};

/** Those that a processor has, by what Linux says in /proc/cpuinfo. */
export const bf16Instructions = (cpuInfo: string): readonly string[] => {
  const flags = /^flags\s*:(.*)$/mu.exec(cpuInfo)?.[1]?.split(" ") ?? [];
  return INSTRUCTIONS.filter((name) => flags.includes(name));
};

/** Empty on other systems: nothing there tells. */
const linuxCpuInfo = (): string => {
  try {
    return fs.readFileSync("/proc/cpuinfo", "latin1");
  } catch {
    return "";
  }
};
