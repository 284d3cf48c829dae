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
