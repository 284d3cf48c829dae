import { openRows, type Row, type RowsSpec } from "@bulkhead/connectors";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freshFolder } from "../launch.ts";
import { asOrdinaryUser } from "../ordinary-user.ts";
import { allRows } from "./rows.ts";

const TYPES = ["jsonl", "csv"] as const;

const rowLine = (type: RowsSpec["type"], i: number): string => (type === "csv" ? `${i}\n` : `{"a":${i}}\n`);

/** Larger than what is read at once. */
const longFile = (type: RowsSpec["type"]): string => {
  const file = join(freshFolder(), "rows");
  const lines = Array.from({ length: 20_000 }, (_, i) => rowLine(type, i));
  fs.writeFileSync(file, (type === "csv" ? "a\n" : "") + lines.join(""));
  // So long ago that any change shows.
  fs.utimesSync(file, 1_000_000, 1_000_000);
  return file;
};

/** Reads all rows, and does something after the first. */
const readAnd = async (
  type: RowsSpec["type"],
  file: string,
  act: (row: Row, count: number) => void,
): Promise<number> => {
  let count = 0;
  for await (const row of openRows({ type, paths: [file] }).rows()) act(row, ++count);
  return count;
};

describe.each(TYPES)("a %s file", (type) => {
  test("that is a pipe is refused, and nobody waits for a writer", async () => {
    const folder = freshFolder();
    execFileSync("mkfifo", [join(folder, "pipe")]);
    fs.symlinkSync("pipe", join(folder, "link.rows"));
    for (const path of ["pipe", "*.rows"])
      await expect(allRows({ type, paths: [path], folder })).rejects.toMatchObject({
        code: "data-not-readable",
        place: join(folder, path.replace("*", "link")),
        problem: "it is no regular file",
      });
  });

  test.each(["/dev/zero", "/dev/null"])("that is a device (%s) is refused", async (device) => {
    await expect(allRows({ type, paths: [device] })).rejects.toMatchObject({
      code: "data-not-readable",
      place: device,
      problem: "it is no regular file",
    });
  });

  test("that this user may not read is named, with the cure", async () => {
    const file = longFile(type);
    fs.chmodSync(join(file, ".."), 0o755);
    fs.chmodSync(file, 0);
    await expect(asOrdinaryUser(() => allRows({ type, paths: [file] }))).rejects.toMatchObject({
      code: "data-not-readable",
      place: file,
      cure: "give this user the right to read it",
    });
  });

  test("whose link leads in a circle is named", async () => {
    const file = join(freshFolder(), "a");
    fs.symlinkSync("a", file);
    await expect(allRows({ type, paths: [file] })).rejects.toMatchObject({
      code: "data-not-readable",
      place: file,
      problem: "its symbolic links lead in a circle",
    });
  });

  test.each([
    ["is appended to", (file: string) => fs.appendFileSync(file, rowLine(type, 1))],
    ["is cut short", (file: string) => fs.truncateSync(file, 80_000)],
    ["is emptied", (file: string) => fs.truncateSync(file, 0)],
    [
      "is written anew",
      (file: string) => {
        const bytes = fs.readFileSync(file);
        fs.writeFileSync(file, bytes.toReversed());
      },
    ],
  ])("that %s while it is read is refused", async (_, change) => {
    const file = longFile(type);
    const reading = readAnd(type, file, (_row, count) => {
      if (count === 1) change(file);
    });
    await expect(reading).rejects.toMatchObject({ code: "data-changed", place: file });
  });

  test("that grows as fast as it is read comes to its end", async () => {
    const file = longFile(type);
    let count = 0;
    const reading = readAnd(type, file, () => {
      count++;
      if (count % 500 === 0) fs.appendFileSync(file, rowLine(type, count).repeat(1000));
    });
    await expect(reading).rejects.toMatchObject({ code: "data-changed" });
    expect(count).toBeLessThan(100_000);
  });

  test("that is deleted while it is read is read to its end", async () => {
    const file = longFile(type);
    const count = await readAnd(type, file, (_row, place) => {
      if (place === 1) fs.rmSync(file);
    });
    expect(count).toBe(20_000);
  });

  test.skipIf(!fs.existsSync("/proc/self/fd"))(
    "is closed when it is read, when nobody reads on, and when the reader is stopped",
    async () => {
      const file = longFile(type);
      const isOpen = () =>
        fs.readdirSync("/proc/self/fd").some((fd) => {
          try {
            return fs.readlinkSync(`/proc/self/fd/${fd}`) === file;
          } catch {
            return false;
          }
        });
      let wasOpen = false;
      await readAnd(type, file, (_row, count) => {
        if (count === 1) wasOpen = isOpen();
      });
      expect(wasOpen).toBe(true);
      await expect.poll(isOpen).toBe(false);

      for await (const row of openRows({ type, paths: [file] }).rows()) {
        expect(row.type).toBe("row");
        break;
      }
      await expect.poll(isOpen).toBe(false);

      const stop = new AbortController();
      const reading = async () => {
        for await (const row of openRows({ type, paths: [file] }).rows(stop.signal))
          if (row.place.endsWith(":3")) stop.abort(new Error("stopped"));
      };
      await expect(reading()).rejects.toThrow("stopped");
      await expect.poll(isOpen).toBe(false);
    },
  );

  test("is not opened for a reader who was stopped before", async () => {
    const rows = openRows({ type, paths: [longFile(type)] }).rows(AbortSignal.abort(new Error("stopped")));
    await expect(rows[Symbol.asyncIterator]().next()).rejects.toThrow("stopped");
  });
});
