import { bf16Instructions, expectBf16, openBackend, useBf16 } from "@bulkhead/compute";
import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllEnvs();
});

const cpuInfo = (flags: string): string =>
  `processor\t: 0\nmodel name\t: A\nflags\t\t: fpu ${flags} avx2\nbugs\t\t: none\n`;

test("a processor's instructions are found by their whole names", () => {
  expect(bf16Instructions(cpuInfo("avx512_bf16 amx_bf16"))).toEqual(["amx_bf16", "avx512_bf16"]);
  expect(bf16Instructions(cpuInfo("amx_tile avx512_bf16"))).toEqual(["avx512_bf16"]);
  expect(bf16Instructions(cpuInfo("avx512bw xavx512_bf16"))).toEqual([]);
  expect(bf16Instructions("")).toEqual([]);
});

test("products in bf16 are refused by name where the processor has no instructions for them", () => {
  expect(() => expectBf16(() => cpuInfo("avx512f"))).not.toThrow();
  vi.stubEnv("TF_SET_ONEDNN_FPMATH_MODE", "BF16");
  expect(() => expectBf16(() => cpuInfo("avx512_bf16"))).not.toThrow();
  expect(() => expectBf16(() => cpuInfo("avx512f"))).toThrow(
    expect.objectContaining({ code: "backend-bf16", place: "TF_SET_ONEDNN_FPMATH_MODE=BF16" }),
  );
});

test("no backend opens with products that this processor cannot take, whoever asked for them", async () => {
  vi.stubEnv("TF_SET_ONEDNN_FPMATH_MODE", "");
  let refused = false;
  try {
    useBf16();
  } catch {
    refused = true;
  }
  if (refused) await expect(openBackend("cpu")).rejects.toMatchObject({ code: "backend-bf16" });
  else await expect(openBackend("cpu")).resolves.toMatchObject({ name: "cpu" });
});
