import fs from "node:fs";
import { join } from "node:path";
import { NoticeFile } from "@bulkhead/store";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";

test("a notice is replaced whole, for the owner's eyes", async () => {
  const path = join(freshFolder(), "status.json");
  const notice = new NoticeFile(path);
  notice.begin(Uint8Array.of(1, 2, 3));
  expect(fs.readFileSync(path)).toEqual(Buffer.from([1, 2, 3]));
  await notice.write(Uint8Array.of(4));
  expect(fs.readFileSync(path)).toEqual(Buffer.from([4]));
  expect(fs.statSync(path).mode & 0o777).toBe(0o600);
});

test("of many notices at once the last one stays, and none is seen in part", async () => {
  const path = join(freshFolder(), "status.json");
  const notice = new NoticeFile(path);
  const whole = Array.from({ length: 20 }, (_, i) => new Uint8Array(10_000).fill(i));
  const written = Promise.all(whole.map((bytes) => notice.write(bytes)));
  for (let look = 0; look < 50; look++) {
    await new Promise(setImmediate);
    if (fs.existsSync(path)) expect(new Set(fs.readFileSync(path)).size).toBe(1);
  }
  await written;
  expect(fs.readFileSync(path)).toEqual(Buffer.from(whole.at(-1)!));
});

test("a missing folder is an error that names the path, and the next notice is tried", async () => {
  const folder = join(freshFolder(), "none");
  const path = join(folder, "status.json");
  const notice = new NoticeFile(path);
  expect(() => notice.begin(Uint8Array.of(1))).toThrow(expect.objectContaining({ place: path }));
  await expect(notice.write(Uint8Array.of(1))).rejects.toMatchObject({
    code: "path-folder-missing",
    place: path,
  });
  fs.mkdirSync(folder);
  await notice.write(Uint8Array.of(2));
  expect(fs.readFileSync(path)).toEqual(Buffer.from([2]));
});
