/** The corpus as mails in folders: the folder is known from the list that a mail came by, which its text no longer tells. */
import type { RawMail } from "../mail/corpus.ts";
import { type FolderText, folderText } from "./folder-text.ts";

/** In the order in which figures are told. */
export const FOLDERS = ["spam", "linux", "talk", "news", "filter"] as const;
export type Folder = (typeof FOLDERS)[number];

export interface FolderMail extends FolderText {
  /** As in the corpus. */
  readonly file: string;
  /** Two of the corpus's kinds of mail are in no site's folders. */
  readonly folder: Folder | "mail" | "odd";
  /** The start of the body, by which mails are told apart. */
  readonly key: string;
  /** The same for all mails of a conversation. */
  readonly thread: string;
}

const KEY_LENGTH = 60;
const BODY_AS_THREAD = 20;

/** Mails in the order of the corpus; of equal ones the first stays. */
export const folderMails = (mails: readonly RawMail[]): readonly FolderMail[] => {
  const byKey = new Map<string, FolderMail>();
  for (const mail of mails) {
    const filed = fileMail(mail);
    if (filed !== undefined && !byKey.has(filed.key)) byKey.set(filed.key, filed);
  }
  return [...byKey.values()];
};

const fileMail = ({ file, spam, source }: RawMail): FolderMail | undefined => {
  if (file.startsWith("hard-ham")) return undefined;
  const folder = spam ? "spam" : folderOf(source);
  const text = folder && folderText(source);
  if (folder === undefined || text === undefined) return undefined;
  const letters = text.subject.toLowerCase().replaceAll(/[^a-z]+/gu, "");
  return {
    file,
    folder,
    ...text,
    key: text.body.slice(0, KEY_LENGTH).toLowerCase(),
    thread: letters === "" ? text.body.slice(0, BODY_AS_THREAD) : letters,
  };
};

const LISTS: ReadonlyMap<string, FolderMail["folder"]> = new Map([
  ["ilug", "linux"],
  ["rpm-zzzlist", "linux"],
  ["exmh-users", "mail"],
  ["exmh-workers", "mail"],
  ["rss", "news"],
  ["fork", "talk"],
  ["razor-users", "filter"],
  ["spamassassin-talk", "filter"],
  ["spamassassin-devel", "filter"],
  ["spambayes", "filter"],
  ["zzzzteana", "odd"],
]);

const folderOf = (source: string): FolderMail["folder"] | undefined => {
  const [header = ""] = source.replaceAll("\r", "").split("\n\n", 1);
  const id = /(?:^|\n)List-Id:[^<]*<([^>\s]+)>/iu.exec(header)?.[1];
  return LISTS.get(id === undefined ? listByWords(header.toLowerCase()) : id.split(".")[0]!.toLowerCase());
};

const listByWords = (header: string): string => {
  if (header.includes("rssfeeds")) return "rss";
  if (header.includes("zzzzteana") || header.includes("forteana")) return "zzzzteana";
  return header.includes("spambayes") ? "spambayes" : "";
};
