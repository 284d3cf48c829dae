/**
 * A folder that one process uses at a time. The lock is the file with the highest number in `<folder>/.lock/`, which
 * names its holder. Taking it means making the next number, which only one process can; a number is never used again,
 * so one that acts on an old look at the folder finds its number taken or overtaken.
 *
 * Whether a holder lives is asked of the system where that can tell ({@link lifeOf}). Where it cannot (a container
 * started anew, a reboot, another machine on a shared disk, a file cut short by a crash) the file is watched for a
 * while: a living holder touches it every two seconds.
 */
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { InputError, ShapeError } from "@bulkhead/base";
import { diskError, isDiskFull, onDisk, systemCode } from "./disk-error.ts";
import { sweepLeftovers } from "./file.ts";
import { lifeOf, ownMark, type ProcessMark, processMark } from "./process-mark.ts";

export interface FolderLock {
  /** Aborted when another process has taken the lock over (this one was suspended for long): write nothing more. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface LockTimes {
  /** How often a holder shows that it lives. */
  readonly beatMs: number;
  /** How long a holder that the system cannot answer for is watched before it counts as dead. */
  readonly patienceMs: number;
}

const TIMES: LockTimes = { beatMs: 2_000, patienceMs: 10_000 };
const ATTEMPTS = 5;
const PRIVATE_FOLDER = 0o700;
const FREE = "free\n";

/**
 * Makes the folder where it is missing, takes its lock, and removes what killed writers have left in it. Throws an
 * {@link InputError} `folder-in-use` that names the process which has it.
 */
export const lockFolder = async (folder: string, times: LockTimes = TIMES): Promise<FolderLock> => {
  const locks = join(folder, ".lock");
  onDisk("write", folder, () => fs.mkdirSync(locks, { recursive: true, mode: PRIVATE_FOLDER }));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const held = latestLock(locks);
    if (held !== undefined) await expectUnused(folder, join(locks, held), times);
    const taken = onDisk("write", folder, () => takeNext(locks, held));
    if (taken === undefined) continue;
    sweepLeftovers(folder);
    return new HeldLock(taken.path, taken.content, times.beatMs);
  }
  throw inUse(folder, "several processes that start at this moment");
};

class HeldLock implements FolderLock {
  readonly #path: string;
  readonly #content: string;
  readonly #beat: NodeJS.Timeout;
  readonly #lost = new AbortController();

  constructor(path: string, content: string, beatMs: number) {
    this.#path = path;
    this.#content = content;
    this.#beat = setInterval(() => this.#touch(), beatMs);
    this.#beat.unref();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async release(): Promise<void> {
    clearInterval(this.#beat);
    if (readIfThere(this.#path) !== this.#content) return;
    // Not removed but marked: without it the next number would be one that was used before.
    const free = `${this.#path}.free`;
    try {
      fs.writeFileSync(free, FREE);
      fs.renameSync(free, this.#path);
    } catch (error) {
      // A full disk is often why its holder ends, which must not be hidden; the lock of a dead process is free too.
      if (!isDiskFull(error)) throw diskError("write", this.#path, error);
      fs.rmSync(free, { force: true });
    }
  }

  #touch(): void {
    const now = new Date();
    try {
      fs.utimesSync(this.#path, now, now);
    } catch (error) {
      // Only a successor removes the file.
      if (systemCode(error) !== "ENOENT") return;
      clearInterval(this.#beat);
      this.#lost.abort();
    }
  }
}

const expectUnused = async (folder: string, path: string, times: LockTimes): Promise<void> => {
  const content = readIfThere(path);
  if (content === undefined || content === FREE) return;
  const holder = parseMark(content);
  const life = holder === undefined ? "unknown" : lifeOf(holder);
  if (life === "alive" || (life === "unknown" && (await isTouched(path, times))))
    throw inUse(folder, holder === undefined ? "another process" : `process ${holder.pid}`);
};

/** Whether a living holder touches the file, or releases it, before patience ends. */
const isTouched = async (path: string, { beatMs, patienceMs }: LockTimes): Promise<boolean> => {
  const first = touchedAt(path);
  for (let waited = 0; waited < patienceMs; waited += beatMs / 2) {
    await sleep(beatMs / 2);
    if (touchedAt(path) !== first) return readIfThere(path) !== FREE;
  }
  return false;
};

const touchedAt = (path: string): number | undefined => fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs;

const takeNext = (
  locks: string,
  held: string | undefined,
): { readonly path: string; readonly content: string } | undefined => {
  const next = String(Number(held ?? 0) + 1).padStart(NUMBER_LENGTH, "0");
  const path = join(locks, next);
  const content = `${JSON.stringify(ownMark())}\n`;
  try {
    fs.writeFileSync(path, content, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (systemCode(error) === "EEXIST") return undefined;
    throw error;
  }
  if (latestLock(locks) !== next) {
    fs.rmSync(path, { force: true });
    return undefined;
  }
  for (const name of fs.readdirSync(locks))
    if (isLock(name) && name < next) fs.rmSync(join(locks, name), { force: true });
  return { path, content };
};

const NUMBER_LENGTH = 12;
const isLock = (name: string): boolean => /^\d{12}$/u.test(name);

const latestLock = (locks: string): string | undefined => fs.readdirSync(locks).filter(isLock).sort().at(-1);

const readIfThere = (path: string): string | undefined => {
  try {
    return fs.readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
};

const parseMark = (content: string): ProcessMark | undefined => {
  try {
    return processMark(JSON.parse(content));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError) return undefined;
    throw error;
  }
};

const inUse = (folder: string, holder: string): InputError =>
  new InputError({
    code: "folder-in-use",
    place: folder,
    problem: `it is in use by ${holder}`,
    cure: "stop that process first, or use another state folder",
  });
