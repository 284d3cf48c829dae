/**
 * From a mail to the subject and body that a model files it by: without list tags, quotes, footers, addresses and headers of
 * feeds, each of which would give the folder away.
 */
import { SPACE, strip } from "../mail/mime.ts";

export interface FolderText {
  readonly subject: string;
  readonly body: string;
}

const LONGEST_SUBJECT = 80;
const LONGEST_BODY = 600;
const SHORTEST_BODY = 40;
/** Of the first 2,000 characters, so many may lie beyond ASCII. */
const FOREIGN_SHARE = 0.05;
const START = /^.{0,2000}/su;
const FOREIGN = /[\u{7f}-\u{10ffff}]/gu;

/** Letters, digits and the underscore of every script: JavaScript's own class knows only those of ASCII. */
const WORD = String.raw`\p{L}\p{N}_`;

/** `undefined` for a mail that is encoded, foreign or has next to no text of its own. */
export const folderText = (source: string): FolderText | undefined => {
  const raw = source.replaceAll(/\r\n?/gu, "\n");
  if (/(?:^|\n)Content-Transfer-Encoding: *base64/iu.test(raw)) return undefined;
  const empty = raw.indexOf("\n\n");
  const [header, rawBody] = empty < 0 ? [raw, ""] : [raw.slice(0, empty), raw.slice(empty + 2)];
  if (isForeign(rawBody)) return undefined;
  const body = ownLines(readable(raw, rawBody));
  const texts = {
    subject: inAscii(subjectOf(header)).slice(0, LONGEST_SUBJECT),
    body: inAscii(withoutAddresses(body)).slice(0, LONGEST_BODY),
  };
  return texts.body.length < SHORTEST_BODY ? undefined : texts;
};

const isForeign = (body: string): boolean => {
  const [start = ""] = START.exec(body) ?? [];
  const foreign = start.match(FOREIGN)?.length ?? 0;
  return foreign > FOREIGN_SHARE * Math.max(1, start.length);
};

const ANSWER_OR_TAG = new RegExp(`^[${SPACE}]*(?:(?:re|fwd?|aw)[${SPACE}]*:|\\[[^\\]]*\\])[${SPACE}]*`, "iu");

/** Without up to four signs of an answer or a list. */
const subjectOf = (header: string): string => {
  let subject = /(?:^|\n)Subject:[ \t]*([^\n]*)/iu.exec(header)?.[1] ?? "";
  for (let i = 0; i < 4; i++) subject = subject.replace(ANSWER_OR_TAG, "");
  return subject;
};

const MARKUP = new RegExp(`<(?:html|body|table|p|br|font)(?![${WORD}])`, "iu");
const HIDDEN = new RegExp(`<(style|script|head|title)(?![${WORD}])[\\s\\S]*?</\\1>`, "giu");

const readable = (raw: string, body: string): string => {
  const isQuoted = /(?:^|\n)Content-Transfer-Encoding: *quoted-printable/iu.test(raw);
  const text = isQuoted ? unquoted(body) : body;
  if (!MARKUP.test(text)) return text;
  return text
    .replaceAll(HIDDEN, " ")
    .replaceAll(/<!--[\s\S]*?-->/gu, " ")
    .replaceAll(/<[^>]*>/gu, " ")
    .replaceAll(/&[a-z#0-9]{2,8};/giu, " ");
};

const unquoted = (body: string): string =>
  body
    .replaceAll("=\n", "")
    .replaceAll(/=([0-9A-F]{2})/gu, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Lines that somebody else wrote, or a program. */
const NOT_OWN: readonly RegExp[] = [
  new RegExp(`^[${SPACE}]*[>|]`, "u"),
  /^--/u,
  /^(?:Content-[-\w]+|URL|Date|MIME-Version|X-[-\w]+|From|To|Cc|Sent|Subject):/iu,
  new RegExp(`^[${SPACE}]*(?:charset|boundary|name|type)=`, "iu"),
  new RegExp(`(?:wrote|writes|said):?[${SPACE}]*$`, "u"),
  new RegExp(`^(?:On|At) .*(?<![${WORD}])(?:19|20)\\p{Nd}\\p{Nd}(?![${WORD}])`, "su"),
  /This is a multi|-----Original Message/u,
  /mailing list|mailman\/listinfo|_{10,}|Yahoo! Groups/iu,
];

const ownLines = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !NOT_OWN.some((pattern) => pattern.test(line)))
    .join("\n");

const LINK = new RegExp(`https?://[^${SPACE}]+|www\\.[^${SPACE}]+`, "gu");
const ADDRESS = new RegExp(`[^${SPACE}]+@[^${SPACE}]+`, "gu");
const REPEATED = new RegExp(`([^${WORD}${SPACE}])\\1{2,}`, "gu");

const withoutAddresses = (text: string): string =>
  text.replaceAll(LINK, " ").replaceAll(ADDRESS, " ").replaceAll(REPEATED, "$1");

const inAscii = (text: string): string =>
  strip(text.replaceAll(/[^\x20-\x7e]+/gu, " ").replaceAll(/ +/gu, " "));
