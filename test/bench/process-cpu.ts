/** CPU time of this process and all below it, read from Linux's /proc; other systems do not tell. */
import fs from "node:fs";

/** Of the clock in which Linux counts, on every machine that runs Node. */
const TICKS = 100;
/** Fields of `/proc/PID/stat` behind the name in brackets: parent, and user and system time. */
const [PARENT, USER, SYSTEM] = [1, 11, 12];

interface Counted {
  readonly parent: number;
  readonly seconds: number;
}

const countedOf = (pid: number): Counted | undefined => {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    return { parent: fields[PARENT]!, seconds: (fields[USER]! + fields[SYSTEM]!) / TICKS };
  } catch {
    // It ended in between.
    return undefined;
  }
};

/** In seconds; `undefined` where the system does not tell. */
export const cpuOfFamily = (): number | undefined => {
  if (process.platform !== "linux") return undefined;
  const all = new Map<number, Counted>();
  for (const name of fs.readdirSync("/proc")) {
    const counted = /^\d+$/u.test(name) ? countedOf(Number(name)) : undefined;
    if (counted !== undefined) all.set(Number(name), counted);
  }
  const isOurs = (pid: number): boolean =>
    pid === process.pid || (all.has(pid) && isOurs(all.get(pid)!.parent));
  return [...all].reduce((sum, [pid, { seconds }]) => (isOurs(pid) ? sum + seconds : sum), 0);
};
