import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { openWeights, writeSafetensors } from "@bulkhead/finetune";
import { describe, expect, test } from "vitest";

const newFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), "weights-"));

const values = (length: number, first: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => first + i / 8);

const A = { name: "a", shape: [2, 3], values: values(6, 1) };
const B = { name: "b", shape: [4], values: values(4, -2) };

const put = (folder: string, name: string, content: Uint8Array | string): void =>
  fs.writeFileSync(path.join(folder, name), content);

const index = (map: Readonly<Record<string, string>>): string =>
  JSON.stringify({ metadata: { total_size: 40 }, weight_map: map });

const sharded = (
  map: Readonly<Record<string, string>>,
  shards: Readonly<Record<string, Uint8Array>>,
): string => {
  const folder = newFolder();
  put(folder, "model.safetensors.index.json", index(map));
  for (const [name, bytes] of Object.entries(shards)) put(folder, name, bytes);
  return folder;
};

const ONE = "model-00001-of-00002.safetensors";
const TWO = "model-00002-of-00002.safetensors";

const problemOf = async (place: string): Promise<unknown> => {
  try {
    await (await openWeights(place)).close();
  } catch (error) {
    return error;
  }
  throw new Error("it was opened");
};

describe("a folder in Hugging Face layout", () => {
  test("gives the tensors of its single file, read one by one", async () => {
    const folder = newFolder();
    put(folder, "model.safetensors", writeSafetensors([A, B]));
    const weights = await openWeights(folder);
    expect(weights).toMatchObject({ format: "safetensors", place: folder });
    expect(weights.metadata.size).toBe(0);
    expect([...weights.tensors.values()]).toEqual([
      { name: "a", shape: [2, 3], type: "F32", bytes: 24 },
      { name: "b", shape: [4], type: "F32", bytes: 16 },
    ]);
    expect(await weights.floats("b")).toEqual(B.values);
    expect(await weights.floats("a")).toEqual(A.values);
    await weights.close();
  });

  test("gives the tensors of all shards", async () => {
    const folder = sharded(
      { b: TWO, a: ONE },
      { [ONE]: writeSafetensors([A]), [TWO]: writeSafetensors([B]) },
    );
    const weights = await openWeights(folder);
    expect(await weights.floats("a")).toEqual(A.values);
    expect(await weights.floats("b")).toEqual(B.values);
    await weights.close();
    const named = await openWeights(path.join(folder, "model.safetensors.index.json"));
    expect(named.tensors.size).toBe(2);
    await named.close();
  });

  test("is the single file where an index stands beside it", async () => {
    const folder = sharded({ a: ONE }, {});
    put(folder, "model.safetensors", writeSafetensors([B]));
    const weights = await openWeights(folder);
    expect([...weights.tensors.keys()]).toEqual(["b"]);
    await weights.close();
  });
});

describe("shards that do not agree with their index", () => {
  const both = { [ONE]: writeSafetensors([A]), [TWO]: writeSafetensors([B]) };
  test.each([
    ["a shard outside of the folder", { a: `../${ONE}`, b: TWO }, both, "weight_map.a: expected the name"],
    ["a shard at an absolute path", { a: `/${ONE}`, b: TWO }, both, "weight_map.a: expected the name"],
    ["an index that is its own shard", { a: "model.safetensors.index.json" }, both, "weight_map.a: expected"],
    ["a shard that is hidden", { a: ".safetensors", b: TWO }, both, "weight_map.a: expected the name"],
    [
      "a tensor that its shard has not",
      { a: ONE, b: TWO, c: TWO },
      both,
      `weight_map.c: expected a tensor of ${TWO}`,
    ],
    [
      "a tensor that the index has not",
      { a: ONE },
      { [ONE]: writeSafetensors([A, B]) },
      "b: expected a tensor that",
    ],
    [
      "a tensor that stands in two shards",
      { a: ONE, b: TWO },
      { ...both, [TWO]: writeSafetensors([A, B]) },
      "a: expected a tensor that the index has in this shard",
    ],
    ["no tensor at all", {}, both, "weight_map: expected a tensor"],
  ])("are refused: %s", async (_, map, shards, problem) => {
    expect(await problemOf(sharded(map, shards))).toMatchObject({
      name: "InputError",
      code: "model-safetensors",
      problem: expect.stringContaining(problem),
    });
  });

  test("are refused where one is missing, by its name", async () => {
    const folder = sharded({ a: ONE, b: TWO }, { [ONE]: writeSafetensors([A]) });
    expect(await problemOf(folder)).toMatchObject({
      code: "model-files",
      place: path.join(folder, TWO),
      problem: "it is not there",
    });
  });

  test.each([
    ["no JSON", "{", "index: expected JSON"],
    ["a name given twice", `{"weight_map":{"a":"${ONE}","a":"${TWO}"}}`, "a: expected each name once"],
    ["a list", '{"weight_map":[]}', "weight_map: expected an object"],
    ["no map", "{}", "weight_map: expected an object"],
    ["a number", '{"weight_map":{"a":1}}', "weight_map.a: expected the name"],
  ])("are refused where the index is %s", async (_, content, problem) => {
    const folder = newFolder();
    put(folder, "model.safetensors.index.json", content);
    expect(await problemOf(folder)).toMatchObject({ problem: expect.stringContaining(problem) });
  });
});

describe("what is no model", () => {
  test("is refused by name: nothing there, an empty folder, a folder in the file's place", async () => {
    const folder = newFolder();
    expect(await problemOf(path.join(folder, "none"))).toMatchObject({ problem: "it is not there" });
    expect(await problemOf(folder)).toMatchObject({
      code: "model-files",
      place: folder,
      problem: "there is no model.safetensors and no model.safetensors.index.json",
    });
    fs.mkdirSync(path.join(folder, "model.safetensors"));
    expect(await problemOf(folder)).toMatchObject({ problem: "it is not a file" });
  });

  test("and a pipe is not waited for", async () => {
    expect(await problemOf("/dev/null")).toMatchObject({ problem: "it is not a file" });
  });
});

test("a tensor that is not there, holds no floats or was cut off since is refused by name", async () => {
  const folder = newFolder();
  const header =
    '{"ids":{"dtype":"I32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}';
  const bytes = Buffer.concat([
    Buffer.from([header.length, 0, 0, 0, 0, 0, 0, 0]),
    Buffer.from(header),
    Buffer.alloc(16),
  ]);
  put(folder, "model.safetensors", bytes);
  const weights = await openWeights(folder);
  expect(weights.tensors.get("ids")).toEqual({ name: "ids", shape: [2], type: "I32", bytes: 8 });
  await expect(weights.floats("b")).rejects.toMatchObject({
    code: "model-tensor",
    problem: "it has no tensor b",
  });
  await expect(weights.floats("ids")).rejects.toMatchObject({ problem: "ids is stored as I32" });
  await expect(weights.halves("ids")).rejects.toMatchObject({ problem: "ids is stored as I32" });
  fs.truncateSync(path.join(folder, "model.safetensors"), bytes.length - 4);
  await expect(weights.floats("a")).rejects.toMatchObject({
    name: "InputError",
    problem: `it ends at byte ${bytes.length - 4}, shorter than when it was opened`,
  });
  await weights.close();
});

test("only the tensor that is asked for is read: one of a few kilobytes in a file of four gigabytes", async () => {
  const place = path.join(newFolder(), "large.safetensors");
  const large = 2 ** 32;
  const header = JSON.stringify({
    large: { dtype: "U8", shape: [large], data_offsets: [0, large] },
    small: { dtype: "F32", shape: [3], data_offsets: [large, large + 12] },
  });
  const start = Buffer.concat([Buffer.from([header.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(header)]);
  fs.writeFileSync(place, start);
  fs.truncateSync(place, start.length + large + 12);
  const file = fs.openSync(place, "r+");
  fs.writeSync(file, Float32Array.of(1, 2, 3), 0, 12, start.length + large);
  fs.closeSync(file);
  const before = process.memoryUsage().arrayBuffers;
  const weights = await openWeights(place);
  expect(await weights.floats("small")).toEqual(Float32Array.of(1, 2, 3));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  await weights.close();
  fs.rmSync(place);
});
