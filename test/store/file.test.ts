import { InputError, utf8, utf8ToText } from "@bulkhead/base";
import {
  makeFolder,
  PERSIST_CHANNEL,
  type PersistMoment,
  readFileBounded,
  writeFileAtomic,
  writeFilesAtomic,
} from "@bulkhead/store";
import { execFileSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { freshFolder, hasNamespaces, launch, nextLine, WITHOUT_NAMESPACES } from "../launch.ts";
import { asOrdinaryUser } from "../ordinary-user.ts";

const FILL_DISK = new URL("./programs/fill-disk.ts", import.meta.url);

describe("writing a file", () => {
  test("replaces its content, for the owner alone, and leaves nothing else behind", async () => {
    const folder = freshFolder();
    const path = join(folder, "state");
    await writeFileAtomic(path, utf8("old"));
    await writeFileAtomic(path, utf8("new"));
    expect(fs.readFileSync(path, "utf8")).toBe("new");
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(folder)).toEqual(["state"]);
  });

  test("gives it the mode that was asked for", async () => {
    const path = join(freshFolder(), "report.json");
    await writeFileAtomic(path, utf8("{}"), { mode: 0o640 });
    expect(fs.statSync(path).mode & 0o777).toBe(0o640);
  });

  test("takes names as long as the file system does", async () => {
    const path = join(freshFolder(), "n".repeat(255));
    await writeFileAtomic(path, utf8("x"));
    expect(fs.readFileSync(path, "utf8")).toBe("x");
  });

  test("of the same path several times at once ends with one of the contents, whole", async () => {
    const folder = freshFolder();
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
    await Promise.all(contents.map((content) => writeFileAtomic(join(folder, "f"), utf8(content))));
    expect(contents).toContain(fs.readFileSync(join(folder, "f"), "utf8"));
    expect(fs.readdirSync(folder)).toEqual(["f"]);
  });

  test("into a folder that is missing says so", async () => {
    const path = join(freshFolder(), "no", "file");
    await expect(writeFileAtomic(path, utf8("x"))).rejects.toMatchObject({
      code: "path-folder-missing",
      place: path,
    });
  });

  test("over a folder says so, and leaves nothing behind", async () => {
    const folder = freshFolder();
    fs.mkdirSync(join(folder, "taken"));
    await expect(writeFileAtomic(join(folder, "taken"), utf8("x"))).rejects.toMatchObject({
      code: "path-wrong",
    });
    expect(fs.readdirSync(folder)).toEqual(["taken"]);
  });

  test("where the user may not write names place and cure", async () => {
    const folder = freshFolder();
    fs.chmodSync(folder, 0o500);
    const path = join(folder, "f");
    await expect(asOrdinaryUser(() => writeFileAtomic(path, utf8("x")))).rejects.toMatchObject({
      code: "not-writable",
      place: path,
    });
  });

  test("where nobody may write names place and cure", async () => {
    const error = await writeFileAtomic("/proc/version", utf8("x")).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ place: "/proc/version" });
  });
});

test.skipIf(!hasNamespaces)(
  `on a full disk file and journal keep what they had, and go on when there is room (skipped where ${WITHOUT_NAMESPACES})`,
  async () => {
    const disk = ["bwrap", "--dev-bind", "/", "/", "--size", "131072", "--tmpfs", "/mnt"];
    const filled = launch(FILL_DISK, ["/mnt"], { inside: disk });
    expect(JSON.parse(await nextLine(filled))).toEqual({
      replaced: "disk-full",
      appended: "disk-full",
      contentKept: true,
      journalKept: true,
      resumed: "done",
      entries: ["before", "after"],
      torn: false,
      files: ["checkpoint", "journal"],
    });
  },
);

describe("reading a file", () => {
  test("gives its bytes, up to exactly the bound", async () => {
    const path = join(freshFolder(), "f");
    fs.writeFileSync(path, "12345");
    expect(utf8ToText(await readFileBounded(path, 5))).toBe("12345");
    await expect(readFileBounded(path, 4)).rejects.toMatchObject({ code: "file-too-large", place: path });
  });

  test("gives no bytes of an empty one", async () => {
    const path = join(freshFolder(), "f");
    fs.writeFileSync(path, "");
    expect(await readFileBounded(path, 0)).toHaveLength(0);
  });

  test("bounds a pipe and an endless device, which state no length", async () => {
    await expect(readFileBounded("/dev/zero", 1_000_000)).rejects.toMatchObject({ code: "file-too-large" });
    const pipe = join(freshFolder(), "pipe");
    execFileSync("mkfifo", [pipe]);
    const writer = fs.promises.open(pipe, "r+").then(async (handle) => {
      await handle.write("x".repeat(100));
      return handle;
    });
    const handle = await writer;
    await expect(readFileBounded(pipe, 99)).rejects.toMatchObject({ code: "file-too-large" });
    await handle.close();
  });

  test("that is a pipe takes what a slow writer says, to its end", async () => {
    const pipe = join(freshFolder(), "pipe");
    execFileSync("mkfifo", [pipe]);
    const reading = readFileBounded(pipe, 99);
    await sleep(50);
    const writer = await fs.promises.open(pipe, "w");
    await writer.write("first ");
    await sleep(50);
    await writer.write("second");
    await writer.close();
    expect(utf8ToText(await reading)).toBe("first second");
  });

  test("that is a pipe to which nobody writes does not hold the process", async () => {
    const pipe = join(freshFolder(), "pipe");
    execFileSync("mkfifo", [pipe]);
    await expect(readFileBounded(pipe, 99)).rejects.toMatchObject({
      code: "path-wrong",
      place: pipe,
      problem: "it is a pipe, and nothing comes out of it",
    });
  });

  test("that is missing, or a folder, says so", async () => {
    const folder = freshFolder();
    const path = join(folder, "none");
    await expect(readFileBounded(path, 10)).rejects.toMatchObject({ code: "file-missing", place: path });
    await expect(readFileBounded(folder, 10)).rejects.toMatchObject({ code: "path-wrong" });
  });
});

test("a folder is made with those above it, for the owner alone", async () => {
  const path = join(freshFolder(), "a", "b");
  await makeFolder(path);
  await makeFolder(path);
  expect(fs.statSync(path).mode & 0o777).toBe(0o700);
});

describe("several files", () => {
  const waits = () => {
    const steps: string[] = [];
    const listen = (message: unknown): void => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this channel tells
      const { when, step } = message as PersistMoment;
      if (when === "after") steps.push(step);
    };
    subscribe(PERSIST_CHANNEL, listen);
    onTestFinished(() => void unsubscribe(PERSIST_CHANNEL, listen));
    return steps;
  };

  test("take one wait for each, and one for each folder", async () => {
    const folder = freshFolder();
    await makeFolder(join(folder, "inner"));
    const names = ["one", "two", "inner/three", "inner/four"];
    const files = names.map((name) => ({ path: join(folder, name), bytes: utf8(name) }));
    const steps = waits();
    await writeFilesAtomic(files);
    expect(steps).toEqual([
      "file",
      "file",
      "file",
      "file",
      ...(process.platform === "win32" ? [] : ["name", "name"]),
    ]);
    for (const { path, bytes } of files) expect(new Uint8Array(fs.readFileSync(path))).toEqual(bytes);
    expect(fs.readdirSync(folder).toSorted()).toEqual(["inner", "one", "two"]);
    expect(fs.readdirSync(join(folder, "inner")).toSorted()).toEqual(["four", "three"]);
  });

  test("stay what they were, all of them, where one cannot be written", async () => {
    const folder = freshFolder();
    const path = join(folder, "one");
    await writeFileAtomic(path, utf8("old"));
    const missing = join(folder, "none", "two");
    await expect(
      writeFilesAtomic([
        { path, bytes: utf8("new") },
        { path: missing, bytes: utf8("new") },
      ]),
    ).rejects.toMatchObject({ code: "path-folder-missing", place: missing });
    expect(fs.readFileSync(path, "utf8")).toBe("old");
    expect(fs.readdirSync(folder)).toEqual(["one"]);
  });
});
