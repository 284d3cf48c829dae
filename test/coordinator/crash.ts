/** Lets the disk fail at the n-th thing that the coordinator makes last: to what runs here, the same as a kill. */
import fs from "node:fs";
import type { RunEnd } from "@bulkhead/coordinator";
import { coordinate, type Federation, memberOf } from "./federation.ts";
import type { TestMember } from "./member.ts";

class Killed extends Error {}

const { fsyncSync } = fs;

/** Every sync from the n-th on fails, with what was written left as it is; gives how to undo that. */
const failFrom = (nth: number): (() => void) => {
  let countdown = nth;
  fs.fsyncSync = (descriptor) => {
    countdown -= 1;
    if (countdown <= 0) throw new Killed("killed");
    fsyncSync(descriptor);
  };
  return () => {
    fs.fsyncSync = fsyncSync;
  };
};

interface CrashedRun {
  readonly starts: number;
  readonly end: RunEnd;
  readonly members: readonly TestMember[];
}

/** Runs the job, crashing at every `every`-th sync of each start, with one more if a start got nowhere. */
export const runWithCrashes = async (federation: Federation, every: number): Promise<CrashedRun> => {
  let url = "ws://127.0.0.1:1";
  const members = federation.members.map((_, i) => memberOf(federation, i + 1, { url: () => url }));
  let at = every;
  let length = 0;
  for (let starts = 1; ; starts++) {
    const restore = failFrom(at);
    try {
      const coordinator = await coordinate(federation, { startWaitMs: 5000 });
      url = coordinator.url;
      return { starts, end: await coordinator.done, members };
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    } finally {
      restore();
    }
    const now = sizeOf(federation.state);
    at = now === length ? at + 1 : every;
    length = now;
    if (starts > 1000) throw new Error("it never ends");
  }
};

const sizeOf = (folder: string): number =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name === "journal")
    .reduce((sum, { parentPath, name }) => sum + fs.statSync(`${parentPath}/${name}`).size, 0);
