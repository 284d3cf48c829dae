/** Names a process so that another one can tell later whether it still lives, and not mistake a successor for it. */
import fs from "node:fs";
import { integer, record, text, type TypeOf } from "@bulkhead/base";

/** What cannot be found out on a system is empty; then the answer later is `unknown` rather than a guess. */
export const processMark = record({
  pid: integer(1, 2 ** 31),
  /** Clock ticks from boot to its start: tells it from a later process with the same pid. */
  started: text(40),
  /** Of the kernel: nothing from before a reboot, or on another machine, is the same process. */
  boot: text(100),
  /** Of its pids: the same number names another process in another container. */
  namespace: text(100),
});

export type ProcessMark = TypeOf<typeof processMark>;

export const ownMark = (): ProcessMark => ({
  pid: process.pid,
  started: statOf("self")?.started ?? "",
  boot: readText("/proc/sys/kernel/random/boot_id"),
  namespace: ownNamespace(),
});

/** Whether the process lives; `unknown` where that cannot be seen from here (another machine or container). */
export const lifeOf = (mark: ProcessMark): "alive" | "dead" | "unknown" => {
  const own = ownMark();
  const known = own.started !== "" && own.boot !== "" && own.namespace !== "";
  if (!known || mark.boot !== own.boot || mark.namespace !== own.namespace) return "unknown";
  const stat = statOf(mark.pid);
  if (stat === undefined) return isSignalable(mark.pid) ? "unknown" : "dead";
  const isOver = stat.state === "Z" || stat.state === "X";
  return stat.started === mark.started && !isOver ? "alive" : "dead";
};

/** From proc(5): the name in parentheses may hold anything, so fields count from the last one. */
const statOf = (pid: number | "self"): { readonly state: string; readonly started: string } | undefined => {
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, started] = [fields[0], fields[19]];
  return state === undefined || started === undefined ? undefined : { state, started };
};

const ownNamespace = (): string => {
  try {
    return fs.readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
};

const readText = (path: string): string => {
  try {
    return fs.readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
};

/** A hidden `/proc` entry (mount option hidepid) does not mean that the process is gone. */
const isSignalable = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
};
