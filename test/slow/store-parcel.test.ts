import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Secret } from "@bulkhead/base";
import { merkleRoot } from "@bulkhead/crypto";
import {
  type Chunk,
  CHUNK_LENGTH,
  listBytes,
  openParcelSource,
  openParcelStore,
  type ParcelName,
  type ParcelSource,
  readList,
} from "@bulkhead/store";
import { describe, expect, onTestFinished, test } from "vitest";

const newFolder = (): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-parcel-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const SIZES = { "config.json": 700, empty: 0, "model.gguf": 2 * CHUNK_LENGTH + 5, whole: CHUNK_LENGTH };

const filled = (size: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + seed) % 251;
  return bytes;
};

const newSource = (): ParcelSource & { readonly folder: string } => {
  const folder = newFolder();
  for (const [i, [name, size]] of Object.entries(SIZES).entries())
    fs.writeFileSync(path.join(folder, name), filled(size, i));
  return { ...openParcelSource(folder, Object.keys(SIZES)), folder };
};

const secret = () => new Secret(new Uint8Array(32).fill(7));

const opened = async (cache: string, name: ParcelName, sealed: boolean) => {
  const store = await openParcelStore(cache, name, sealed ? secret() : undefined);
  onTestFinished(() => store.close());
  return store;
};

const fetchTo = (
  store: Awaited<ReturnType<typeof openParcelStore>>,
  source: ParcelSource,
  end: number,
): void => {
  while (store.next() < end) expect(store.take(source.chunk(store.next()))).toBe(true);
};

test("the name is the root over the list and every chunk", () => {
  const { name, files, folder } = newSource();
  const leaves = Object.keys(SIZES).flatMap((each) => {
    const bytes = fs.readFileSync(path.join(folder, each));
    return Array.from({ length: Math.ceil(bytes.length / CHUNK_LENGTH) }, (_, i) =>
      bytes.subarray(i * CHUNK_LENGTH, (i + 1) * CHUNK_LENGTH),
    );
  });
  expect(name).toEqual({ root: merkleRoot([listBytes(files), ...leaves]), leaves: 6 });
});

describe.each([false, true])("a parcel that comes, sealed %s", (sealed) => {
  test("is what was sent, byte for byte, and known again", async () => {
    const source = newSource();
    const cache = newFolder();
    const store = await opened(cache, source.name, sealed);
    expect(store.files()).toBeUndefined();
    fetchTo(store, source, source.name.leaves);
    expect(store.take(source.chunk(0))).toBe(false);
    store.close();
    const again = await opened(cache, source.name, sealed);
    expect(again.next()).toBe(source.name.leaves);
    for (const [i, [name, size]] of Object.entries(SIZES).entries()) {
      expect(Buffer.compare(again.read(name, 0, size), filled(size, i))).toBe(0);
      expect(fs.existsSync(path.join(again.folder, name))).toBe(true);
    }
    const across = again.read("model.gguf", CHUNK_LENGTH - 3, 6);
    expect([...across]).toEqual([...filled(CHUNK_LENGTH + 3, 2).subarray(CHUNK_LENGTH - 3)]);
  });

  test("goes on where a crash left it, wherever that was", async () => {
    const source = newSource();
    for (const leaves of [0, 1, 2, 4]) {
      const cache = newFolder();
      const store = await opened(cache, source.name, sealed);
      fetchTo(store, source, leaves);
      store.close();
      for (const torn of [".leaves", "model.gguf"]) fs.appendFileSync(path.join(store.folder, torn), "torn");
      const again = await opened(cache, source.name, sealed);
      expect(again.next()).toBe(leaves);
      fetchTo(again, source, source.name.leaves);
      again.close();
      const last = await opened(cache, source.name, sealed);
      expect(last.next()).toBe(source.name.leaves);
      expect(Buffer.compare(last.read("whole", 0, CHUNK_LENGTH), filled(CHUNK_LENGTH, 3))).toBe(0);
    }
  });

  test("fetches again from the chunk that the disk has spoilt", async () => {
    const source = newSource();
    const cache = newFolder();
    const store = await opened(cache, source.name, sealed);
    fetchTo(store, source, source.name.leaves);
    store.close();
    const file = path.join(store.folder, "model.gguf");
    const bytes = fs.readFileSync(file);
    bytes[CHUNK_LENGTH + 100]! ^= 1;
    fs.writeFileSync(file, bytes);
    const again = await opened(cache, source.name, sealed);
    expect(again.next()).toBe(3);
    expect(() => again.read("model.gguf", CHUNK_LENGTH, 1)).toThrow("not all of");
    fetchTo(again, source, source.name.leaves);
    expect(
      Buffer.compare(again.read("model.gguf", 0, SIZES["model.gguf"]), filled(SIZES["model.gguf"], 2)),
    ).toBe(0);
  });

  test("keeps nothing of a chunk that is not the one the name says", async () => {
    const source = newSource();
    const store = await opened(newFolder(), source.name, sealed);
    fetchTo(store, source, 2);
    const good = source.chunk(2);
    const flipped = good.bytes.slice();
    flipped[0]! ^= 1;
    const wrong: readonly Chunk[] = [
      { ...good, bytes: flipped },
      { ...good, bytes: good.bytes.subarray(1) },
      { ...good, path: good.path.slice(1) },
      { ...source.chunk(3), index: 2 },
      source.chunk(3),
      source.chunk(1),
      { ...good, index: 2.5 },
    ];
    for (const chunk of wrong) expect(store.take(chunk)).toBe(false);
    expect(store.next()).toBe(2);
    expect(store.take(good)).toBe(true);
  });
});

test("what lies sealed has nothing of the file in it, and another secret knows nothing of it", async () => {
  const source = newSource();
  const cache = newFolder();
  const store = await opened(cache, source.name, true);
  fetchTo(store, source, source.name.leaves);
  store.close();
  const stored = fs.readFileSync(path.join(store.folder, "config.json"));
  expect(stored.includes(Buffer.from(filled(700, 0).subarray(0, 8)))).toBe(false);
  const other = await openParcelStore(cache, source.name, new Secret(new Uint8Array(32).fill(8)));
  onTestFinished(() => other.close());
  expect(other.next()).toBe(0);
});

test("a file that changes while it is sent is not sent", () => {
  const source = newSource();
  fs.writeFileSync(path.join(source.folder, "config.json"), filled(700, 9));
  expect(() => source.chunk(1)).toThrow("changed");
  fs.writeFileSync(path.join(source.folder, "model.gguf"), "short");
  expect(() => source.chunk(3)).toThrow("changed");
  expect(source.chunk(0).bytes).toEqual(listBytes(source.files));
});

test.each<readonly [string, readonly { readonly name: string; readonly size: number }[]]>([
  ["a path", [{ name: "../a", size: 1 }]],
  ["a hidden file", [{ name: ".leaves", size: 1 }]],
  [
    "a name twice",
    [
      { name: "a", size: 1 },
      { name: "a", size: 1 },
    ],
  ],
  [
    "names out of order",
    [
      { name: "b", size: 1 },
      { name: "a", size: 1 },
    ],
  ],
  ["no file", []],
  ["more than a parcel can have", [{ name: "a", size: 2 ** 50 }]],
])("a list with %s is none", (_, files) => {
  expect(() => listBytes(files)).toThrow();
});

test("a list of another number of chunks is not taken", () => {
  const bytes = listBytes([{ name: "a", size: 1 }]);
  expect(readList(bytes, 2)).toEqual([{ name: "a", size: 1 }]);
  expect(() => readList(bytes, 3)).toThrow("3 leaves");
});
