import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { openWeights, readSafetensors, writeSafetensors, writeSafetensorsFile } from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { firstDifference } from "./first-difference.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "write-safetensors-"));
const random = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i + 1));

test("a file written tensor by tensor is the one written at once", async () => {
  const tensors = [
    { name: "a", shape: [3, 5], values: random(15) },
    { name: "é", shape: [0, 2], values: random(0) },
    { name: "c", shape: [], values: random(1) },
  ];
  const place = path.join(folder, "model.safetensors");
  await writeSafetensorsFile(
    place,
    tensors.map(({ name, shape, values }) => ({ name, shape, type: "F32", values: async () => values })),
  );
  const file = fs.readFileSync(place);
  expect(new Uint8Array(file)).toEqual(writeSafetensors(tensors));
  expect(file.readBigUInt64LE(0) % 8n).toBe(0n);
  expect([...readSafetensors(file, place).keys()].toSorted()).toEqual(["a", "c", "é"]);
});

test("types may differ from tensor to tensor, and one is asked for after the other is written", async () => {
  const place = path.join(folder, "mixed.safetensors");
  const exact = Float32Array.from({ length: 1_100_000 }, (_, i) => ((i * 7919) % 1_000_003) / 999_983 + 0.25);
  const asked: string[] = [];
  let open = 0;
  const tensor = (name: string, type: "F32" | "BF16" | "F16") => ({
    name,
    type,
    shape: [1_100_000],
    values: async () => {
      asked.push(name);
      if (++open > asked.length) throw new Error("asked for twice");
      return exact;
    },
  });
  await writeSafetensorsFile(place, [tensor("b", "BF16"), tensor("a", "F16"), tensor("c", "F32")]);
  expect(asked).toEqual(["b", "a", "c"]);
  const weights = await openWeights(place);
  expect([...weights.tensors.values()].map(({ name, type }) => [name, type])).toEqual([
    ["b", "BF16"],
    ["a", "F16"],
    ["c", "F32"],
  ]);
  expect(firstDifference(await weights.floats("c"), exact)).toBe(-1);
  for (const [name, error] of [
    ["a", 2 ** -11],
    ["b", 2 ** -8],
  ] as const) {
    const read = await weights.floats(name);
    expect(
      read.every((value, i) => Math.abs(value - exact[i]!) <= error * Math.abs(exact[i]!) + 2 ** -25),
    ).toBe(true);
  }
  await weights.close();
});

test("a file whose values fail is not there, and one that was there before stays", async () => {
  const place = path.join(folder, "failing.safetensors");
  fs.writeFileSync(place, "before");
  const failing = {
    name: "a",
    shape: [1],
    type: "F32",
    values: () => Promise.reject(new Error("no values")),
  } as const;
  await expect(writeSafetensorsFile(place, [failing])).rejects.toThrow("no values");
  const short = { name: "a", shape: [2], type: "F32", values: async () => random(1) } as const;
  await expect(writeSafetensorsFile(place, [short])).rejects.toThrow("a fills its shape");
  const twice = { name: "a", shape: [1], type: "F32", values: async () => random(1) } as const;
  await expect(writeSafetensorsFile(place, [twice, twice])).rejects.toThrow("a name of its own");
  expect(fs.readFileSync(place, "utf8")).toBe("before");
  expect(fs.existsSync(`${place}.part`)).toBe(false);
});
