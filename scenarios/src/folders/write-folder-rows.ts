/** A split as rows of JSON Lines: subject, body and folder, nothing else. */
import path from "node:path";
import { utf8 } from "@bulkhead/base";
import { makeFolder, writeFileAtomic } from "@bulkhead/store";
import { artefact } from "../mail/artefact.ts";
import { readCorpus } from "../mail/corpus.ts";
import { type FolderMail, folderMails } from "./folder-mail.ts";
import type { FolderSplit } from "./folder-sites.ts";

/** Reads the corpus, fetched first if need be. */
export const loadFolderMails = async (): Promise<readonly FolderMail[]> =>
  folderMails(await readCorpus(path.join(await artefact("mail"), "spam-assassin.tgz")));

/** `part` is a site's name, or `test`. */
export const rowsFile = (folder: string, part: string): string => path.join(folder, `${part}.jsonl`);

/** Writes `<folder>/<site>.jsonl` for each site, and `<folder>/test.jsonl`. */
export const writeFolderRows = async (folder: string, { sites, test }: FolderSplit): Promise<void> => {
  await makeFolder(folder);
  for (const [part, mails] of [...sites, ["test", test] as const])
    await writeFileAtomic(rowsFile(folder, part), utf8(linesOf(mails)));
};

const linesOf = (mails: readonly FolderMail[]): string =>
  mails.map(({ subject, body, folder }) => `${JSON.stringify({ subject, body, folder })}\n`).join("");
