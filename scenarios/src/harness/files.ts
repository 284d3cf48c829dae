import fs from "node:fs";
import path from "node:path";

/** Every file below a folder, at any depth; none where there is no folder. */
export const filesBelow = (folder: string): readonly string[] =>
  fs.existsSync(folder)
    ? fs
        .readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
    : [];

/** What is in a file of a running program, which may have been taken away since it was listed: then nothing. */
export const contentOf = (file: string): Buffer => {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
};
