import { InputError } from "@bulkhead/base";
import { lockFolder } from "@bulkhead/store";
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freshFolder, hasNamespaces, launch, nextLine, WITHOUT_NAMESPACES } from "../launch.ts";

const HOLD_LOCK = new URL("../store/programs/hold-lock.ts", import.meta.url);

const TIMES = { beatMs: 40, patienceMs: 400 };

const lockFile = (folder: string): string => {
  const names = fs.readdirSync(join(folder, ".lock"));
  expect(names).toHaveLength(1);
  return join(folder, ".lock", names[0]!);
};

/** Puts a lock there as another process would have left it. */
const plantLock = async (folder: string, change: Readonly<Record<string, unknown>>): Promise<string> => {
  const lock = await lockFolder(folder, { beatMs: 60_000, patienceMs: 1 });
  const path = lockFile(folder);
  const mark: unknown = JSON.parse(fs.readFileSync(path, "utf8"));
  await lock.release();
  fs.writeFileSync(path, JSON.stringify(Object.assign({}, mark, change)));
  return path;
};

describe("a locked folder", () => {
  test("is refused to a second user, who is told which process has it", async () => {
    const folder = freshFolder();
    const lock = await lockFolder(folder);
    const error = await lockFolder(folder).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({
      code: "folder-in-use",
      place: folder,
      problem: `it is in use by process ${process.pid}`,
    });
    await lock.release();
  });

  test("is free after its release, again and again", async () => {
    const folder = join(freshFolder(), "made", "on", "the", "way");
    for (let i = 0; i < 5; i++) await (await lockFolder(folder)).release();
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow("in use");
    await lock.release();
  });

  test("is let go of without an error where the disk is full: the holder's end frees it", async () => {
    const folder = freshFolder();
    const lock = await lockFolder(folder);
    const path = lockFile(folder);
    fs.symlinkSync("/dev/full", `${path}.free`);
    await lock.release();
    expect(lockFile(folder)).toBe(path);
    expect(JSON.parse(fs.readFileSync(path, "utf8"))).toMatchObject({ pid: process.pid });
  });

  test("goes to exactly one of many who ask at once", async () => {
    const folder = freshFolder();
    for (let round = 0; round < 10; round++) {
      const asked = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));
      const got = asked.filter((outcome) => outcome.status === "fulfilled");
      expect(got).toHaveLength(1);
      await got[0]!.value.release();
    }
  });

  test("of a process that was killed is taken over at once, of a living one never", async () => {
    const folder = freshFolder();
    const holder = launch(HOLD_LOCK, [folder]);
    expect(await nextLine(holder)).toBe("held");
    await expect(lockFolder(folder)).rejects.toThrow(`process ${holder.child.pid}`);
    holder.child.kill("SIGKILL");
    await holder.ended;
    const started = performance.now();
    const lock = await lockFolder(folder);
    expect(performance.now() - started).toBeLessThan(1000);
    await lock.release();
  });

  test("is cleared of what killed writers have left in it, and of nothing else", async () => {
    const folder = freshFolder();
    for (const name of [".state.0123456789abcdef.tmp", "state", ".hidden", "x.tmp"])
      fs.writeFileSync(join(folder, name), "");
    await (await lockFolder(folder)).release();
    expect(fs.readdirSync(folder).toSorted()).toEqual([".hidden", ".lock", "state", "x.tmp"]);
  });
});

describe("the lock of a process that the system cannot answer for", () => {
  test.each([
    ["another boot", { boot: "another" }],
    ["another container", { namespace: "pid:[1]" }],
  ])("(%s) is watched and then taken over", async (_, change) => {
    const folder = freshFolder();
    await plantLock(folder, change);
    const started = performance.now();
    const lock = await lockFolder(folder, TIMES);
    expect(performance.now() - started).toBeGreaterThan(350);
    await lock.release();
  });

  test("is respected while that process shows that it lives", async () => {
    const folder = freshFolder();
    const path = await plantLock(folder, { boot: "another", pid: 4711 });
    const beat = setInterval(() => fs.utimesSync(path, new Date(), new Date()), 40);
    await expect(lockFolder(folder, TIMES)).rejects.toThrow("in use by process 4711");
    clearInterval(beat);
  });

  test("is watched too when the file does not say whose it is", async () => {
    const folder = freshFolder();
    fs.writeFileSync(await plantLock(folder, {}), "{ torn");
    const lock = await lockFolder(folder, TIMES);
    await lock.release();
  });

  test("tells a holder that was suspended for too long that it has lost it", async () => {
    const folder = freshFolder();
    const suspended = await lockFolder(folder, TIMES);
    const path = lockFile(folder);
    fs.renameSync(path, join(folder, ".lock", "000000000009"));
    await new Promise((resolve) => suspended.lost.addEventListener("abort", resolve));
    await suspended.release();
    expect(fs.existsSync(join(folder, ".lock", "000000000009"))).toBe(true);
  });
});

test("a pid that was given to another process since does not hold the lock", async () => {
  const folder = freshFolder();
  await plantLock(folder, { started: "1" });
  const lock = await lockFolder(folder);
  await lock.release();
});

test.skipIf(!hasNamespaces)(
  `a holder in its own container is respected, and taken over once it is gone (skipped where ${WITHOUT_NAMESPACES})`,
  async () => {
    const folder = freshFolder();
    const inside = ["bwrap", "--dev-bind", "/", "/", "--unshare-pid", "--die-with-parent", "--proc", "/proc"];
    const holder = launch(HOLD_LOCK, [folder], { inside });
    expect(await nextLine(holder)).toBe("held");
    const times = { beatMs: 100, patienceMs: 1000 };
    await expect(lockFolder(folder, times)).rejects.toMatchObject({ code: "folder-in-use" });
    holder.child.kill("SIGKILL");
    await holder.ended;
    const lock = await lockFolder(folder, times);
    await lock.release();
  },
);
