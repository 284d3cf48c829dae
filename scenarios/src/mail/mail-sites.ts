/** The mail of the three enterprises by their names, as rows of JSON Lines: the text and its class, nothing else. */
import path from "node:path";
import { utf8 } from "@bulkhead/base";
import { makeFolder, writeFileAtomic } from "@bulkhead/store";
import { artefact } from "./artefact.ts";
import { type CleanMail, cleanMail } from "./clean.ts";
import { readCorpus } from "./corpus.ts";
import { mailBySite, type SiteMail } from "./sites.ts";

/** In the order of the split's sites 0, 1 and 2. */
export const MAIL_SITES = ["north", "east", "west"] as const;
export type MailSite = (typeof MAIL_SITES)[number];

export interface SiteCounts {
  readonly site: MailSite;
  readonly train: { readonly ham: number; readonly spam: number };
  readonly test: { readonly ham: number; readonly spam: number };
}

/** Reads the corpus, fetched first if need be. */
export const loadMailSites = async (): Promise<ReadonlyMap<MailSite, SiteMail>> => {
  const corpus = path.join(await artefact("mail"), "spam-assassin.tgz");
  const sites = mailBySite((await readCorpus(corpus)).map(cleanMail));
  return new Map(MAIL_SITES.map((name, i) => [name, sites[i]!]));
};

export const mailFile = (folder: string, site: string, part: "train" | "test"): string =>
  path.join(folder, site, `${part}.jsonl`);

/** Writes `<folder>/<site>/{train,test}.jsonl`. */
export const writeMailSites = async (
  folder: string,
  sites: ReadonlyMap<MailSite, SiteMail>,
): Promise<readonly SiteCounts[]> => {
  for (const [site, mail] of sites) {
    await makeFolder(path.join(folder, site));
    for (const part of ["train", "test"] as const)
      await writeFileAtomic(mailFile(folder, site, part), utf8(rowsOf(mail[part])));
  }
  return [...sites].map(([site, mail]) => ({ site, train: countOf(mail.train), test: countOf(mail.test) }));
};

const rowsOf = (mails: readonly CleanMail[]): string =>
  mails.map(({ text, spam }) => `${JSON.stringify({ text, label: spam ? 1 : 0 })}\n`).join("");

const countOf = (mails: readonly CleanMail[]) => {
  const spam = mails.filter((mail) => mail.spam).length;
  return { ham: mails.length - spam, spam };
};
