/**
 * Preloaded: ends the process by SIGKILL at the n-th persist, `before`, `half-written`, `written` (not yet synced)
 * or `after`.
 */
import { channel } from "node:diagnostics_channel";
import fs from "node:fs";

let countdown = Number(process.env["KILL_AT"]);
const when = process.env["KILL_WHEN"];
const dieAtZero = () => {
  if (--countdown === 0) process.kill(process.pid, "SIGKILL");
};

if (when === "written") {
  const { fsyncSync } = fs;
  fs.fsyncSync = (descriptor) => {
    dieAtZero();
    fsyncSync(descriptor);
  };
} else if (when === "half-written") {
  const { writeSync } = fs;
  // Of the several forms of this function the package uses this one.
  const write = (...given: readonly [number, Uint8Array, number, number, number]) => {
    const [descriptor, bytes, from, length, at] = given;
    const written = writeSync(descriptor, bytes, from, countdown === 1 ? Math.ceil(length / 2) : length, at);
    dieAtZero();
    return written;
  };
  Object.assign(fs, { writeSync: write });
} else
  channel("bulkhead:persist").subscribe((moment) => {
    if (typeof moment === "object" && moment !== null && "when" in moment && moment.when === when)
      dieAtZero();
  });
