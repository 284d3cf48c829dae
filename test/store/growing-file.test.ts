import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { channel } from "node:diagnostics_channel";
import { join } from "node:path";
import { openGrowingFile, PERSIST_CHANNEL } from "@bulkhead/store";
import { expect, onTestFinished, test } from "vitest";
import { freshFolder } from "../launch.ts";

const bytes = (...values: readonly number[]) => Uint8Array.from(values);

test("what is appended can be read back by pieces, fewer bytes only at the end", () => {
  const file = openGrowingFile(join(freshFolder(), "upload"));
  file.append(bytes(1, 2, 3));
  file.append(bytes(4, 5));
  expect(file.length).toBe(5);
  expect(file.read(1, 3)).toEqual(bytes(2, 3, 4));
  expect(file.read(3, 10)).toEqual(bytes(4, 5));
  expect(file.read(7, 10)).toEqual(bytes());
  file.close();
});

test("a file that is there already is taken up at its length", () => {
  const path = join(freshFolder(), "upload");
  const first = openGrowingFile(path);
  first.append(bytes(1, 2, 3));
  first.close();
  const second = openGrowingFile(path);
  expect(second.length).toBe(3);
  second.append(bytes(4));
  expect(second.read(0, 10)).toEqual(bytes(1, 2, 3, 4));
  second.close();
});

test("a cleared file begins again with nothing", () => {
  const file = openGrowingFile(join(freshFolder(), "upload"));
  file.append(bytes(1, 2, 3));
  file.clear();
  file.append(bytes(9));
  expect(file.length).toBe(1);
  expect(file.read(0, 10)).toEqual(bytes(9));
  file.close();
});

test("keeping passes through the one place that makes things last: the content, then the name", () => {
  const path = join(freshFolder(), "upload");
  const steps: unknown[] = [];
  const listen = (moment: unknown) => void steps.push(moment);
  channel(PERSIST_CHANNEL).subscribe(listen);
  onTestFinished(() => {
    channel(PERSIST_CHANNEL).unsubscribe(listen);
  });
  const file = openGrowingFile(path);
  file.append(bytes(1));
  expect(steps).toEqual([]);
  file.keep();
  file.close();
  expect(steps).toEqual([
    { when: "before", step: "file", path },
    { when: "after", step: "file", path },
    { when: "before", step: "name", path },
    { when: "after", step: "name", path },
  ]);
});

test.skipIf(!fs.existsSync("/dev/full"))(
  "a full disk is an error with a cure, and nothing counts as appended",
  () => {
    const file = openGrowingFile("/dev/full");
    expect(() => file.append(bytes(1, 2))).toThrow(
      expect.objectContaining({ name: "InputError", code: "disk-full", place: "/dev/full" }),
    );
    expect(file.length).toBe(0);
    file.close();
  },
);

test("a pipe in the place of the file is an error that names it", () => {
  const path = join(freshFolder(), "pipe");
  execFileSync("mkfifo", [path]);
  expect(() => openGrowingFile(path)).toThrow(expect.objectContaining({ code: "path-wrong", place: path }));
});

test("a missing folder is an error that names the path", () => {
  const path = join(freshFolder(), "none", "upload");
  expect(() => openGrowingFile(path)).toThrow(
    expect.objectContaining({ code: "path-folder-missing", place: path }),
  );
});
