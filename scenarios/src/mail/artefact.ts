/** The large outside files that scenarios use: out of the repository's cache, fetched first where they are missing. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { InputError } from "@bulkhead/base";

const repository = path.join(import.meta.dirname, "..", "..", "..");

export type ArtefactName = "minilm" | "smollm2" | "mail";

/** The artefact's folder. Throws an {@link InputError} where it is not there and cannot be fetched. */
export const artefact = async (name: ArtefactName): Promise<string> => {
  const folder = path.join(repository, ".cache", name);
  if (isComplete(folder)) return folder;
  const fetcher = path.join(repository, "scripts", "fetch-artefacts.mjs");
  if (!fs.existsSync(fetcher))
    throw unreachable(folder, "it is fetched by a checkout of Bulkhead's repository");
  const child = spawn(process.execPath, [fetcher, name], { stdio: ["ignore", "inherit", "inherit"] });
  await once(child, "close");
  if (!isComplete(folder)) throw unreachable(folder, "see the line above for what fetching it needs");
  return folder;
};

/** A folder of the cache gets its digest last. */
const isComplete = (folder: string): boolean => fs.existsSync(path.join(folder, "sha256"));

const unreachable = (folder: string, cure: string): InputError =>
  new InputError({ code: "artefact-missing", place: folder, problem: "it is not there", cure });
