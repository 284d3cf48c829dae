import fs from "node:fs";
import path from "node:path";
import { type Activations, spillingStore } from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";

const row = (first: number): Activations => ({ values: Float32Array.of(first, first + 0.5), length: 1 });
const named = (name: string) => ({ name });

test("what finds no room in memory comes back from the disk, until that is full too", () => {
  const folder = freshFolder();
  const store = spillingStore(8, { folder, mostBytes: 16 });
  for (const i of [1, 2, 3, 4]) store.keep(named(`${i}`), row(i));
  expect([1, 2, 3, 4].map((i) => store.get(named(`${i}`)))).toEqual([row(1), row(2), row(3), undefined]);
  store.keep(named("2"), row(9));
  expect(store.get(named("2"))).toEqual(row(2));
  store.close();
});

test("the file has no name: nothing is left of it, whenever the process ends", () => {
  const folder = freshFolder();
  // Of a process that was killed between making it and taking its name away.
  fs.writeFileSync(path.join(folder, "activations.spill"), "old");
  const store = spillingStore(0, { folder, mostBytes: 1000 });
  store.keep(named("1"), row(1));
  expect(fs.readdirSync(folder)).toEqual([]);
  expect(store.get(named("1"))).toEqual(row(1));
  store.close();
});

test("a folder that cannot be written costs what would be kept, and no more", () => {
  const store = spillingStore(8, { folder: path.join(freshFolder(), "missing"), mostBytes: 1000 });
  for (const i of [1, 2]) store.keep(named(`${i}`), row(i));
  expect([1, 2].map((i) => store.get(named(`${i}`)))).toEqual([row(1), undefined]);
  store.close();
});
