/** The corpus sorted and split as the recipe's own program in Python does it. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { FOLDER_SITES, folderMails, readCorpus, splitFolders } from "@bulkhead/scenarios";
import { expect, test } from "vitest";
import { FOLDER_COUNTS, FOLDER_SPLITS } from "../vectors/folder-split.ts";

const CORPUS = path.join(import.meta.dirname, "../../.cache/mail/spam-assassin.tgz");

const digest = (mails: readonly { readonly file: string }[]): string =>
  createHash("sha256")
    .update(
      mails
        .map(({ file }) => file)
        .toSorted()
        .join("\n"),
    )
    .digest("hex")
    .slice(0, 16);

test.skipIf(!fs.existsSync(CORPUS))(
  "folders, sites and tests of three seeds hold the very mails of the recipe",
  async () => {
    const mails = folderMails(await readCorpus(CORPUS));
    const counts: Record<string, number> = {};
    for (const { folder } of mails) counts[folder] = (counts[folder] ?? 0) + 1;
    expect(counts).toEqual(FOLDER_COUNTS);
    for (const [seed, wanted] of FOLDER_SPLITS.entries()) {
      const { sites, test: held } = splitFolders(mails, seed);
      const found = FOLDER_SITES.map((site) => [site, digest(sites.get(site)!)]);
      expect({ ...Object.fromEntries(found), test: digest(held) }).toEqual(wanted);
    }
  },
);
