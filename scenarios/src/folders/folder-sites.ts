/** The mails of three companies, each of which has mostly one kind of work, and the mails on which everybody is tested. */
import { utf8 } from "@bulkhead/base";
import { fnv1a } from "@bulkhead/finetune";
import { type Folder, type FolderMail, FOLDERS } from "./folder-mail.ts";

export const FOLDER_SITES = ["systems", "press", "filters"] as const;
export type FolderSite = (typeof FOLDER_SITES)[number];

/** Of each site's mail. */
export const SHARES: Readonly<Record<FolderSite, Readonly<Record<Folder, number>>>> = {
  systems: { spam: 0.2, linux: 0.65, talk: 0.05, news: 0.05, filter: 0.05 },
  press: { spam: 0.2, linux: 0.05, talk: 0.35, news: 0.35, filter: 0.05 },
  filters: { spam: 0.2, linux: 0.05, talk: 0.05, news: 0.05, filter: 0.65 },
};

export interface FolderSplit {
  readonly sites: ReadonlyMap<FolderSite, readonly FolderMail[]>;
  readonly test: readonly FolderMail[];
}

const SITE_MAILS = 300;
const TEST_MAILS_OF_A_FOLDER = 40;
const TEST_SHARE = 4;

/** No mail stands at two sites; no conversation stands at a site and in the test. */
export const splitFolders = (mails: readonly FolderMail[], seed: number): FolderSplit => {
  const inTest = (mail: FolderMail) => hash(mail.thread) % TEST_SHARE === 0;
  const pools = new Map(
    FOLDERS.map((folder) => [
      folder,
      inDrawnOrder(
        mails.filter((mail) => mail.folder === folder),
        seed,
      ),
    ]),
  );
  const left = new Map(FOLDERS.map((folder) => [folder, pools.get(folder)!.filter((mail) => !inTest(mail))]));
  const take = (folder: Folder, share: number) => left.get(folder)!.splice(0, Math.round(share * SITE_MAILS));
  return {
    sites: new Map(
      FOLDER_SITES.map((site) => [site, FOLDERS.flatMap((folder) => take(folder, SHARES[site][folder]))]),
    ),
    test: FOLDERS.flatMap((folder) => pools.get(folder)!.filter(inTest).slice(0, TEST_MAILS_OF_A_FOLDER)),
  };
};

const inDrawnOrder = (mails: readonly FolderMail[], seed: number): FolderMail[] =>
  mails
    .map((mail) => ({ mail, place: hash(`${seed}${mail.key}`) }))
    .toSorted((a, b) => a.place - b.place || (a.mail.key < b.mail.key ? -1 : 1))
    .map(({ mail }) => mail);

const hash = (text: string): number => fnv1a(utf8(text));
