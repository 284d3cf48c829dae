/** From a mail to the text that a model sees: subject and body without what would give away the list or the sender. */
import type { RawMail } from "./corpus.ts";
import { decodeWords, headerField, readableText, SPACE, splitMail, strip } from "./mime.ts";

export interface CleanMail {
  readonly file: string;
  readonly spam: boolean;
  /** For sorting mails to sites only; never model input. */
  readonly header: string;
  readonly subject: string;
  readonly body: string;
  /** The model's input. */
  readonly text: string;
}

const LONGEST_TEXT = 600;

export const cleanMail = ({ file, spam, source }: RawMail): CleanMail => {
  const mail = splitMail(source.replaceAll(/\r\n?/gu, "\n"));
  const [subject, body] = cleanText(subjectOf(mail.header), bodyOf(mail));
  const text = `${subject} . ${body}`.slice(0, LONGEST_TEXT);
  return { file, spam, header: mail.header, subject, body, text };
};

const subjectOf = (header: string): string =>
  strip(
    decodeWords(headerField(header, "subject"))
      .replaceAll(/\[[^\]]*\]/gu, " ")
      .replaceAll(new RegExp(`\\b(?:re|fw|fwd)[${SPACE}]*:`, "giu"), " "),
  );

const bodyOf = (mail: ReturnType<typeof splitMail>): string => {
  const { type, text } = readableText(mail);
  const looksLikeHtml = type === "html" || /<(?:html|body|table|br|font|p)\b/iu.test(text);
  return ownLines(looksLikeHtml ? stripHtml(text) : text).join(" ");
};

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };

const stripHtml = (html: string): string =>
  html
    .replaceAll(/<!--[\s\S]*?-->/gu, "")
    .replaceAll(new RegExp(`<(script|style|title)\\b[\\s\\S]*?</\\1[${SPACE}]*>`, "giu"), " ")
    .replaceAll(/<[a-zA-Z/!?][^>]*>/gu, " ")
    .replaceAll(/&([a-zA-Z]+);/gu, (_, name: string) => ENTITIES[name.toLowerCase()] ?? " ")
    .replaceAll(/&#\d+;?/gu, " ");

/** Lines that the sender wrote: no quotes, no header-like lines, nothing below the signature. */
const ownLines = (text: string): readonly string[] => {
  const own: string[] = [];
  for (const line of text.split("\n").map(strip)) {
    if (line === "--" || /^_{10,}$/u.test(line)) break;
    if (/^[>|]/u.test(line)) continue;
    if (/^(?:URL|Date|From|Sent|To|Cc|Subject|Message-ID):/iu.test(line)) continue;
    if (/(?:wrote|writes|said):?$/u.test(line)) continue;
    own.push(line);
  }
  return own;
};

/** Stands between subject and body while both are rewritten. */
const BORDER = "\u0001";

const cleanText = (subject: string, body: string): readonly [string, string] => {
  const text = `${subject} ${BORDER} ${body}`
    .replaceAll(new RegExp(`(?:https?://|www\\.)[^${SPACE}]+`, "giu"), " link ")
    .replaceAll(new RegExp(`[^${SPACE}]+@[^${SPACE}]+`, "gu"), " mail ")
    .replaceAll(new RegExp(`[^${BORDER}\\u0020-\\u007e]`, "gu"), " ")
    .replaceAll(/([^A-Za-z0-9 ])\1+/gu, "$1")
    .replaceAll(/\d+/gu, "0")
    .toLowerCase()
    .replaceAll(/ +/gu, " ");
  const border = text.indexOf(BORDER);
  return [text.slice(0, border).trim(), text.slice(border + 1).trim()];
};
