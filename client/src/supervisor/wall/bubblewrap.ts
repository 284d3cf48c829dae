/** A view as bubblewrap's arguments: namespaces of its own, nothing of the file system but the view. */
import fs from "node:fs";
import path from "node:path";
import { codePaths, SYSTEM_FILES, SYSTEM_FOLDERS } from "./code.ts";
import { isInside, type View } from "./view.ts";

const NAMESPACES = [
  "--unshare-user",
  "--unshare-pid",
  "--unshare-ipc",
  "--unshare-uts",
  "--unshare-cgroup-try",
];
/** No privilege can be regained inside, no terminal typed into, and nothing outlives the supervisor. */
const BOUNDS = ["--cap-drop", "ALL", "--new-session", "--die-with-parent", "--hostname", "bulkhead"];
const OWN = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/"];

/** What stands before the command to run. */
export const bubblewrapArguments = (view: Omit<View, "environment">): readonly string[] => [
  ...NAMESPACES,
  ...(view.network ? [] : ["--unshare-net"]),
  ...BOUNDS,
  ...OWN,
  ...SYSTEM_FOLDERS.flatMap(systemFolder),
  ...SYSTEM_FILES.flatMap((file) => readOnly(file)),
  ...inOrder(mounts(view)),
  // Where no mount was made there is memory, writable until now.
  ...["/", ...hiddenOf(view)].flatMap((folder) => ["--remount-ro", folder]),
];

interface Mount {
  readonly target: string;
  readonly options: readonly string[];
}

const mounts = (view: Omit<View, "environment">): readonly Mount[] => [
  ...[...new Set([...codePaths(), ...view.read])].map((file) => ({ target: file, options: readOnly(file) })),
  ...hiddenOf(view).map((folder) => ({ target: folder, options: ["--tmpfs", folder] })),
  { target: view.write, options: ["--bind", view.write, view.write] },
];

/** Only what would be seen needs hiding. */
const hiddenOf = ({ hidden, read }: Omit<View, "environment">): readonly string[] =>
  hidden.filter((folder) => read.some((file) => isInside(folder, file)));

/** A mount would cover those below it that were made before. */
const inOrder = (list: readonly Mount[]): readonly string[] =>
  list.toSorted((a, b) => depth(a) - depth(b)).flatMap(({ options }) => options);

const depth = ({ target }: Mount): number => target.split(path.sep).length;

const readOnly = (file: string): readonly string[] => ["--ro-bind-try", file, file];

const systemFolder = (folder: string): readonly string[] => {
  const stats = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  return stats.isSymbolicLink() ? ["--symlink", fs.readlinkSync(folder), folder] : readOnly(folder);
};
