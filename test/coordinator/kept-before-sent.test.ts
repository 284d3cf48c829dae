import { subscribe, unsubscribe } from "node:diagnostics_channel";
import fs from "node:fs";
import { openAttempt, stepCoordinator } from "@bulkhead/protocol";
import { PERSIST_CHANNEL, type PersistMoment } from "@bulkhead/store";
import { expect, onTestFinished, test } from "vitest";
import { coordinate, memberOf, newFederation } from "./federation.ts";

/** The three fields of a header with their lengths, and its check. */
const HEADER = 4 + 16 + (4 + 4) + (4 + 32) + 16;
const AROUND_ENTRY = 8 + 16;

const entriesIn = (journal: Buffer): number => {
  let count = 0;
  for (let at = HEADER; at < journal.length; count++) at += AROUND_ENTRY + journal.readUInt32BE(at);
  return count;
};

/** The bytes of each attempt's journal that are on the disk, by its path. */
const watchDisk = () => {
  const kept = new Map<string, Buffer>();
  const listen = (message: unknown): void => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this channel tells
    const { when, step, path: file } = message as PersistMoment;
    if (when === "before" || step !== "entry" || !file.includes("attempt")) return;
    kept.set(file, fs.readFileSync(file));
  };
  subscribe(PERSIST_CHANNEL, listen);
  onTestFinished(() => void unsubscribe(PERSIST_CHANNEL, listen));
  return () => [...kept.values()].at(-1);
};

test("nothing leaves before every event that came before it is on the disk", async () => {
  const federation = newFederation({ members: 5, rounds: 1 });
  const latest = watchDisk();
  let events = 0;
  const sent: (readonly [type: string, kept: boolean])[] = [];
  const coordinator = await coordinate(federation, {
    machine: {
      open: openAttempt,
      step: (state, event) => {
        const step = stepCoordinator(state, event);
        events += step.effects.filter(({ type }) => type === "persist").length;
        return step;
      },
    },
    send: (frame) => {
      if (["roster", "inbox", "survivors", "quorum"].includes(frame.type))
        sent.push([frame.type, entriesIn(latest() ?? Buffer.alloc(0)) === events]);
      return [frame];
    },
  });
  for (let place = 1; place <= 5; place++) memberOf(federation, place, { url: () => coordinator.url });
  expect(await coordinator.done).toEqual({ outcome: "done" });
  expect([...new Set(sent.map(([type]) => type))]).toEqual(["roster", "inbox", "survivors", "quorum"]);
  expect(sent.filter(([, isKept]) => !isKept)).toEqual([]);
});
