/**
 * The one place where this package makes something last. Every state change that must survive a crash (a file
 * written, a name given to it, an entry appended, a torn entry cut off) goes through {@link persist}, which ends in
 * `fs.fsyncSync`.
 *
 * A test that wants to kill a process at every such moment preloads a module (`--import`) and either subscribes to
 * the diagnostics channel {@link PERSIST_CHANNEL} (two messages for each persist, before anything is written and
 * after it is safe) or replaces `fs.fsyncSync` on the default export of `node:fs` (written, not yet safe). Both run
 * synchronously, so the process can be killed there and then.
 */
import { channel } from "node:diagnostics_channel";
import fs from "node:fs";

export const PERSIST_CHANNEL = "bulkhead:persist";

/** What is made to last: bytes of a new file, a name in a folder, an entry at a journal's end, a journal's length. */
export type PersistStep = "file" | "name" | "entry" | "cut";

/** What subscribers of {@link PERSIST_CHANNEL} are told. */
export interface PersistMoment {
  readonly when: "before" | "after";
  readonly step: PersistStep;
  /** The file that the step is about. */
  readonly path: string;
}

const moments = channel(PERSIST_CHANNEL);

/** Runs `change` and does not return before the system says that `descriptor` is on the disk. */
export const persist = (step: PersistStep, path: string, descriptor: number, change: () => void): void => {
  tell({ when: "before", step, path });
  change();
  fs.fsyncSync(descriptor);
  tell({ when: "after", step, path });
};

const tell = (moment: PersistMoment): void => {
  if (moments.hasSubscribers) moments.publish(moment);
};
