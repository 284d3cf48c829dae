/** How far the two processes of a client are kept apart on this system, and the command that starts one behind it. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { InputError } from "@bulkhead/base";
import { bubblewrapArguments } from "./bubblewrap.ts";
import type { View } from "./view.ts";

/**
 * `namespaces`: each has its own file system, processes and network. `process only`: two processes of one user, so
 * that code which runs in one could read the other's files and memory.
 */
type WallStrength = "namespaces" | "process only";

export interface Wall {
  readonly strength: WallStrength;
  /** Why it is not stronger. */
  readonly notice?: string;
  /** The command that runs `command` behind the wall, with that view of the machine. */
  readonly behind: (view: View, command: readonly string[]) => readonly string[];
}

const NOTICE = "no protection against code execution in the gateway";

/** Throws an {@link InputError} `policy-wall` where the wall cannot be as strong as it has to be. */
export const raiseWall = async (
  least: "none" | "namespaces",
  env: NodeJS.ProcessEnv = process.env,
  usual: readonly string[] = USUAL_FOLDERS,
): Promise<Wall> => {
  const found = await findBubblewrap([...(env["PATH"] ?? "").split(path.delimiter), ...usual]);
  if (found.type === "works")
    return {
      strength: "namespaces",
      behind: (view, command) => [found.path, ...bubblewrapArguments(view), "--", ...command],
    };
  if (least === "namespaces")
    throw new InputError({
      code: "policy-wall",
      place: "wall.require",
      problem: `namespaces are required, and ${found.why}`,
      cure: "install bubblewrap, let this user make namespaces, or require none",
    });
  return { strength: "process only", notice: `${NOTICE}: ${found.why}`, behind: (_, command) => command };
};

type Found =
  | { readonly type: "works"; readonly path: string }
  | { readonly type: "none"; readonly why: string };

/** A scheduler's PATH may be short. */
const USUAL_FOLDERS = ["/usr/bin", "/bin", "/usr/local/bin"];

const findBubblewrap = async (folders: readonly string[]): Promise<Found> => {
  if (process.platform !== "linux") return { type: "none", why: "this system is not Linux" };
  const file = folders
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, "bwrap"))
    .find((one) => fs.existsSync(one));
  if (file === undefined) return { type: "none", why: "bubblewrap is not installed" };
  const problem = await trial(file);
  return problem === undefined
    ? { type: "works", path: file }
    : { type: "none", why: `bubblewrap fails here: ${problem}` };
};

/** Runs node behind the strictest wall; gives what went wrong. */
const trial = async (file: string): Promise<string | undefined> => {
  const folder = fs.mkdtempSync(path.join(fs.realpathSync("/tmp"), "bulkhead-wall-"));
  try {
    const view = { read: [], hidden: [], write: folder, network: false };
    return await complaintOf(file, [...bubblewrapArguments(view), "--", process.execPath, "--version"]);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
};

const TRIAL_MS = 10_000;
const LONGEST_COMPLAINT = 200;

const complaintOf = (file: string, options: readonly string[]): Promise<string | undefined> =>
  new Promise((resolve) => {
    const child = spawn(file, options, { stdio: ["ignore", "ignore", "pipe"], env: {}, timeout: TRIAL_MS });
    let said = "";
    child.stderr.on("data", (data: Buffer) => {
      said = `${said}${data.toString()}`.slice(0, LONGEST_COMPLAINT);
    });
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) =>
      resolve(
        code === 0
          ? undefined
          : (said.split("\n")[0] ?? "") || `it ended with ${code ?? signal ?? "nothing"}`,
      ),
    );
  });
