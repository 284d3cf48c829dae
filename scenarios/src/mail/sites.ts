/**
 * Three enterprises out of one corpus: who sees which mail is decided by headers and word lists, so that each has seen
 * other mail than the others; train and test are parted by subject, so that no thread stands in both.
 */
import type { CleanMail } from "./clean.ts";
import { headerField } from "./mime.ts";

export interface SiteMail {
  readonly train: readonly CleanMail[];
  readonly test: readonly CleanMail[];
}

export const SITES = [0, 1, 2] as const;
type Site = (typeof SITES)[number];

const MOST_HAM = 600;
const MOST_SPAM = 400;
const TEST_SHARE = 3;

/** Mails in the order of the corpus; equal ones are dropped, the first stays. */
export const mailBySite = (mails: readonly CleanMail[]): readonly SiteMail[] => {
  const keyed = withoutDuplicates(mails).map(({ mail, key }) => ({ mail, key, site: siteOf(mail) }));
  return SITES.map((site) => {
    const here = keyed.filter((entry) => entry.site === site);
    const kept = [
      ...inFixedOrder(here.filter(({ mail }) => !mail.spam)).slice(0, MOST_HAM),
      ...inFixedOrder(here.filter(({ mail }) => mail.spam)).slice(0, MOST_SPAM),
    ].map(({ mail }) => mail);
    return { train: kept.filter((mail) => !isTest(mail)), test: kept.filter(isTest) };
  });
};

interface Keyed {
  readonly mail: CleanMail;
  readonly key: string;
}

const KEY_LENGTH = 80;

const letters = (text: string): string => text.replaceAll(/[^a-z]/gu, "");

const withoutDuplicates = (mails: readonly CleanMail[]): readonly Keyed[] => {
  const byKey = new Map<string, Keyed>();
  for (const mail of mails) {
    const body = letters(mail.body).slice(0, KEY_LENGTH);
    const key = body.length < 40 ? `${letters(mail.subject)}|${body}` : body;
    if (key.length >= 30 && !byKey.has(key)) byKey.set(key, { mail, key });
  }
  return [...byKey.values()];
};

const inFixedOrder = (entries: readonly Keyed[]): readonly Keyed[] => {
  const hashed = entries.map((entry) => ({ ...entry, hash: fnv1a(entry.key) }));
  return hashed.toSorted((a, b) => a.hash - b.hash || (a.key < b.key ? -1 : 1));
};

const isTest = ({ subject }: CleanMail): boolean => fnv1a(letters(subject)) % TEST_SHARE === 0;

/** FNV-1a with 32 bits. */
const fnv1a = (ascii: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < ascii.length; i++) hash = Math.imul(hash ^ ascii.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
};

const siteOf = (mail: CleanMail): Site => (mail.spam ? siteOfSpam(mail) : siteOfHam(mail));

const siteOfHam = ({ header }: CleanMail): Site => {
  const lower = header.toLowerCase();
  const list = headerField(header, "list-id").toLowerCase();
  if (list.includes("fork") || list.includes("social") || lower.includes("yahoogroups")) return 2;
  return list !== "" || lower.includes("spambayes") || lower.includes("python.org") ? 1 : 0;
};

const ADULT_OR_PHARMACY = new RegExp(
  String.raw`\bsex|porn|xxx|adult|nude|\bteen|girl|viagra|penis|penile|erecti|\bcum\b|webcam|singles|dating|lesbian` +
    String.raw`|pussy|cock\b|fuck|horny|herbal|\bhgh\b|hormone|\bpills|prescription|pharm|breast|weight loss` +
    String.raw`|lose weight|\bdiet`,
  "u",
);
const FINANCE = new RegExp(
  String.raw`mortgage|\bloan|refinanc|interest rate|lender|credit|\bdebt|insurance|invest|stock|million|\bbank` +
    String.raw`|annuit|fund|nigeria|premium`,
  "u",
);

const siteOfSpam = ({ text }: CleanMail): Site => {
  const start = text.slice(0, 300);
  if (ADULT_OR_PHARMACY.test(start)) return 2;
  return FINANCE.test(start) ? 0 : 1;
};
