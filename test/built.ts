/** Slow and end-to-end tests run what is built; before them all it is built from the sources as they are. */
import { spawnSync } from "node:child_process";
import path from "node:path";

const root = path.join(import.meta.dirname, "..");

export const setup = (): void => {
  const { status, stdout, stderr } = spawnSync("npm", ["run", "build"], { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`the sources do not build:\n${stdout}${stderr}`);
};
