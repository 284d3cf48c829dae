/** Real processes, killed at random and at every persist: what was promised is there, the rest is there or not. */
import { openJournal } from "@bulkhead/store";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { freshFolder, launch, nextLine } from "../launch.ts";
import { textCodec } from "../store/programs/text-codec.ts";

const APPEND = new URL("../store/programs/append.ts", import.meta.url);
const HOLD_LOCK = new URL("../store/programs/hold-lock.ts", import.meta.url);
const KILL_AT_PERSIST = new URL("../store/programs/kill-at-persist.ts", import.meta.url);
const SAVE_ALL = new URL("../store/programs/save-all.ts", import.meta.url);

const KILLS = 12;
const binding = Uint8Array.of(1);

test(`no entry that was taken is lost over ${KILLS} SIGKILLs in mid-append`, async () => {
  const path = join(freshFolder(), "journal");
  let torn = 0;
  let next = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const writer = launch(APPEND, [path, String(next)]);
    const acknowledged = [next - 1];
    const listened = (async () => {
      for await (const line of writer.lines) acknowledged.push(Number(line));
    })();
    while (acknowledged.length < 3 + kill) await sleep(2);
    await sleep(Math.random() * 5);
    writer.child.kill("SIGKILL");
    await writer.ended;
    await listened;
    const journal = await openJournal(path, textCodec, { binding });
    journal.close();
    if (journal.torn !== undefined) torn++;
    expect(journal.entries.length).toBeGreaterThan(acknowledged.at(-1)!);
    expect(journal.entries.map((entry) => Number(entry.split(" ")[0]))).toEqual(
      journal.entries.map((_, i) => i),
    );
    next = journal.entries.length;
  }
  console.log(`${next} entries over ${KILLS} kills, ${torn} of them in mid-append`);
});

// The journal's header and its name; then a file, its name and an entry, twice. Names are given, not written.
describe.each([
  { when: "before", persists: 8 },
  { when: "half-written", persists: 5 },
  { when: "written", persists: 8 },
  { when: "after", persists: 8 },
])("killed $when each persist in turn", ({ when, persists }) => {
  test("a program goes on to the same end", { timeout: 120_000 }, async () => {
    const folder = freshFolder();
    let kills = 0;
    for (let at = 1; at < 40; at++) {
      fs.rmSync(folder, { recursive: true, force: true });
      fs.mkdirSync(folder);
      const env = { KILL_AT: String(at), KILL_WHEN: when };
      const ended = await launch(SAVE_ALL, [folder], { preload: KILL_AT_PERSIST, env }).ended;
      if (ended === 0) break;
      expect(ended).toBe("SIGKILL");
      kills++;
      // The file is of the last step or of the one before, never of neither.
      const { entries } = await openJournal(join(folder, "journal"), textCodec, { binding });
      const checkpoint = join(folder, "checkpoint");
      if (entries.length > 0)
        expect([`after ${entries.length} entries`, `after ${entries.length - 1} entries`]).toContain(
          fs.readFileSync(checkpoint, "utf8"),
        );
      expect(await nextLine(launch(SAVE_ALL, [folder]))).toBe("finished");
      const resumed = await openJournal(join(folder, "journal"), textCodec, { binding });
      expect(resumed.entries).toEqual(["entry 0", "entry 1"]);
      expect(fs.readFileSync(checkpoint, "utf8")).toBe("after 1 entries");
    }
    expect(kills).toBe(persists);
  });
});

test("of twelve processes that want a dead one's folder at the same instant exactly one gets it", async () => {
  const folder = freshFolder();
  const dead = launch(HOLD_LOCK, [folder]);
  expect(await nextLine(dead)).toBe("held");
  dead.child.kill("SIGKILL");
  await dead.ended;
  const at = String(Date.now() + 6_000);
  const rivals = Array.from({ length: 12 }, () => launch(HOLD_LOCK, [folder, at]));
  const outcomes = await Promise.all(rivals.map((rival) => nextLine(rival)));
  expect(outcomes.filter((outcome) => outcome === "held")).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome.startsWith("folder-in-use"))).toHaveLength(11);
});
