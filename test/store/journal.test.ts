import { concatBytes, InputError, utf8 } from "@bulkhead/base";
import { openJournal, PERSIST_CHANNEL } from "@bulkhead/store";
import fc from "fast-check";
import fs from "node:fs";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { freshFolder, launch, nextLine } from "../launch.ts";
import { textCodec } from "./programs/text-codec.ts";

const APPEND = new URL("./programs/append.ts", import.meta.url);

const binding = utf8("contract digest");
const open = (path: string, options = {}) => openJournal(path, textCodec, { binding, ...options });

const inputError = async (action: Promise<unknown>): Promise<InputError> => {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof InputError) return error;
  throw new Error(`expected an InputError, got ${String(error)}`);
};

/** A journal of three entries: its bytes and where each record ends. */
const threeEntries = async () => {
  const path = join(freshFolder(), "journal");
  const journal = await open(path);
  const ends = [fs.statSync(path).size];
  for (const entry of ["one", "", "the third entry"]) {
    await journal.append(entry);
    ends.push(fs.statSync(path).size);
  }
  journal.close();
  return { path, ends, bytes: new Uint8Array(fs.readFileSync(path)) };
};

describe("a journal", () => {
  test("gives the entries back in their order, over several openings", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 5 }), { maxLength: 4 }),
        async (sessions) => {
          const path = join(freshFolder(), "journal");
          const told: string[] = [];
          for (const session of sessions) {
            const journal = await open(path);
            expect(journal.entries).toEqual(told);
            expect(journal.torn).toBeUndefined();
            for (const entry of session) await journal.append(entry);
            told.push(...session);
            journal.close();
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test("is for its owner's eyes alone", async () => {
    const { path } = await threeEntries();
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
  });

  test("of another contract is refused, and left as it is", async () => {
    const { path, bytes } = await threeEntries();
    const error = await inputError(open(path, { binding: utf8("another") }));
    expect(error).toMatchObject({ code: "journal-foreign", place: path });
    expect(new Uint8Array(fs.readFileSync(path))).toEqual(bytes);
  });

  test("that must exist is not begun anew", async () => {
    const path = join(freshFolder(), "journal");
    expect(await inputError(open(path, { create: false }))).toMatchObject({ code: "journal-missing" });
    expect(fs.existsSync(path)).toBe(false);
  });

  test.each([
    ["empty", new Uint8Array(0)],
    ["of another program", utf8("SQLite format 3\0 and so on")],
    ["zeros", new Uint8Array(5000)],
  ])("file that is %s is refused", async (_, content) => {
    const path = join(freshFolder(), "journal");
    fs.writeFileSync(path, content);
    expect(await inputError(open(path))).toMatchObject({ code: "journal-unknown", place: path });
  });

  test("of a later format names that format", async () => {
    const { path, bytes } = await threeEntries();
    bytes[27] = 2;
    fs.writeFileSync(path, bytes);
    expect((await inputError(open(path))).problem).toBe("it is a journal of format 2");
  });

  test("whose file another process has written to takes nothing more", async () => {
    const path = join(freshFolder(), "journal");
    const [mine, theirs] = [await open(path), await open(path)];
    await theirs.append("theirs");
    expect(await inputError(mine.append("mine"))).toMatchObject({ code: "journal-in-use" });
    expect((await open(path)).entries).toEqual(["theirs"]);
  });

  test("refuses an entry above its bound before anything is written", async () => {
    const path = join(freshFolder(), "journal");
    const journal = await open(path, { longestEntry: 3 });
    await expect(journal.append("four")).rejects.toThrow("within the journal's bound");
    await journal.append("two");
    expect((await open(path)).entries).toEqual(["two"]);
  });

  test("that is closed takes nothing more, and closing twice is harmless", async () => {
    const journal = await open(join(freshFolder(), "journal"));
    journal.close();
    journal.close();
    await expect(journal.append("late")).rejects.toThrow("open journal");
  });
});

describe("an interrupted append", () => {
  test("is cut off at whichever byte it stopped, and all entries before it stay", async () => {
    const { path, ends, bytes } = await threeEntries();
    for (let length = ends[0]!; length <= bytes.length; length++) {
      fs.writeFileSync(path, bytes.subarray(0, length));
      const journal = await open(path);
      const whole = ends.filter((end) => end <= length).length - 1;
      expect(journal.entries).toEqual(["one", "", "the third entry"].slice(0, whole));
      expect(journal.torn).toEqual(
        ends.includes(length) ? undefined : { at: ends[whole], bytes: length - ends[whole]! },
      );
      await journal.append("next");
      journal.close();
      expect((await open(path)).entries.at(-1)).toBe("next");
    }
  });

  test("that left zeros after a power failure is cut off too", async () => {
    const { path, ends, bytes } = await threeEntries();
    // From the record's start, from after its length, and from its check on.
    for (const from of [ends[2]!, ends[2]! + 8, bytes.length - 16]) {
      fs.writeFileSync(path, concatBytes(bytes.subarray(0, from), new Uint8Array(bytes.length - from)));
      const journal = await open(path);
      expect(journal.entries).toEqual(["one", ""]);
      expect(journal.torn).toEqual({ at: ends[2], bytes: bytes.length - ends[2]! });
      journal.close();
    }
  });
});

test("a journal with any one byte altered is refused by name of the byte: no entry is lost in silence", async () => {
  const { path, ends, bytes } = await threeEntries();
  for (let at = 0; at < bytes.length; at++)
    for (const flip of [0x01, 0x80, 0xff]) {
      const altered = bytes.slice();
      altered[at]! ^= flip;
      fs.writeFileSync(path, altered);
      const error = await inputError(open(path));
      const record = ends.findLast((end) => end <= at);
      if (record !== undefined)
        expect(error).toMatchObject({ code: "journal-damaged", place: `${path}: byte ${record}` });
      expect(new Uint8Array(fs.readFileSync(path))).toEqual(altered);
    }
});

test("records that were swapped, doubled or taken out are refused", async () => {
  const { path, ends, bytes } = await threeEntries();
  const part = (i: number) => bytes.subarray(ends[i - 1] ?? 0, ends[i]);
  for (const order of [
    [0, 2, 1, 3],
    [0, 1, 1, 2, 3],
    [0, 2, 3],
  ]) {
    fs.writeFileSync(path, concatBytes(...order.map(part)));
    expect((await inputError(open(path))).code).toBe("journal-damaged");
  }
});

test("entries that were taken before a SIGKILL are there after it", async () => {
  const path = join(freshFolder(), "journal");
  const writer = launch(APPEND, [path]);
  for (let i = 0; i < 25; i++) expect(await nextLine(writer)).toBe(String(i));
  writer.child.kill("SIGKILL");
  expect(await writer.ended).toBe("SIGKILL");
  const { entries } = await openJournal(path, textCodec, { binding: Uint8Array.of(1) });
  expect(entries.length).toBeGreaterThanOrEqual(25);
  expect(entries.map((entry) => entry.split(" ")[0])).toEqual(entries.map((_, i) => String(i)));
});

describe("entries that are kept together", () => {
  /** Counts the waits for the disk from here on. */
  const waits = () => {
    let count = 0;
    const listen = () => (count += 1 / 2);
    subscribe(PERSIST_CHANNEL, listen);
    onTestFinished(() => void unsubscribe(PERSIST_CHANNEL, listen));
    return () => count;
  };

  test("take one wait for the disk, and are there in their order", async () => {
    const path = join(freshFolder(), "journal");
    const journal = await open(path);
    const waited = waits();
    for (const entry of ["one", "two", "three"]) journal.add(entry);
    expect([waited(), journal.isUnkept]).toEqual([0, true]);
    await journal.keep();
    expect([waited(), journal.isUnkept]).toEqual([1, false]);
    await journal.keep();
    expect(waited()).toBe(1);
    journal.add("four");
    await journal.append("five");
    expect(waited()).toBe(2);
    journal.close();
    expect((await open(path)).entries).toEqual(["one", "two", "three", "four", "five"]);
  });

  test("are the same bytes as entries that were appended one by one", async () => {
    const { bytes } = await threeEntries();
    const path = join(freshFolder(), "journal");
    const journal = await open(path);
    for (const entry of ["one", "", "the third entry"]) journal.add(entry);
    await journal.keep();
    expect(new Uint8Array(fs.readFileSync(path))).toEqual(bytes);
  });

  test("are not there before they are kept, and gone with a journal that is closed", async () => {
    const path = join(freshFolder(), "journal");
    const journal = await open(path);
    await journal.append("kept");
    journal.add("not kept");
    journal.close();
    await journal.keep();
    expect((await open(path)).entries).toEqual(["kept"]);
  });

  test("are there up to the byte at which a crash cut them off", async () => {
    const { ends, bytes } = await threeEntries();
    for (let length = ends[0]!; length <= bytes.length; length++) {
      const path = join(freshFolder(), "journal");
      fs.writeFileSync(path, bytes.subarray(0, length));
      const journal = await open(path);
      expect(journal.entries).toHaveLength(ends.findLastIndex((end) => end <= length));
      journal.close();
    }
  });

  test("are taken back, all of them, where the disk is full", async () => {
    const path = join(freshFolder(), "journal");
    const journal = await open(path);
    await journal.append("kept");
    for (const entry of ["lost", "lost too"]) journal.add(entry);
    const { writeSync } = fs;
    fs.writeSync = () => {
      throw Object.assign(new Error("full"), { code: "ENOSPC" });
    };
    onTestFinished(() => void (fs.writeSync = writeSync));
    expect((await inputError(journal.keep())).code).toBe("disk-full");
    fs.writeSync = writeSync;
    await journal.append("after");
    journal.close();
    expect((await open(path)).entries).toEqual(["kept", "after"]);
  });
});
