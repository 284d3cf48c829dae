/** As much of RFC 2045 to 2047 as old mail needs: header fields, transfer encodings, the readable part of a multipart. */

/** White space and line borders as the recipe's first author meant them; those of JavaScript differ in rare characters. */
export const SPACE = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;

const MARGIN = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "gu");

export const strip = (text: string): string => text.replaceAll(MARGIN, "");

export interface Part {
  /** Header lines with folded lines joined. */
  readonly header: string;
  readonly body: string;
}

/** Parts at the first empty line. */
export const splitMail = (source: string): Part => {
  const empty = source.indexOf("\n\n");
  const [header, body] = empty < 0 ? [source, ""] : [source.slice(0, empty), source.slice(empty + 2)];
  return { header: header.replaceAll(/\n[ \t]+/gu, " "), body };
};

/** The first field of that name, trimmed; empty if there is none. */
export const headerField = (header: string, name: string): string =>
  strip(new RegExp(`(?:^|\\n)${name}:[ \\t]*([^\\n]*)`, "iu").exec(header)?.[1] ?? "");

/** RFC 2047 words, their bytes read as latin-1. */
export const decodeWords = (text: string): string =>
  text
    .replaceAll(/=\?[^?]*\?q\?([^?]*)\?=/giu, (_, word: string) => decodeQuoted(word.replaceAll("_", " ")))
    .replaceAll(/=\?[^?]*\?b\?([^?]*)\?=/giu, (_, word: string) => decodeBase64(word));

const decodeQuoted = (text: string): string =>
  text
    .replaceAll(/=[ \t]*\n/gu, "")
    .replaceAll(/=([0-9A-Fa-f]{2})/gu, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

const decodeBase64 = (text: string): string => {
  const digits = text.replaceAll(/[^A-Za-z0-9+/]/gu, "");
  return Buffer.from(digits.slice(0, digits.length - (digits.length % 4)), "base64").toString("latin1");
};

const decodeTransfer = (body: string, encoding: string): string => {
  if (encoding.includes("quoted-printable")) return decodeQuoted(body);
  return encoding.includes("base64") ? decodeBase64(body) : body;
};

export interface ReadableText {
  readonly type: "plain" | "html" | "none";
  readonly text: string;
}

const DEEPEST = 3;

/** The first plain part that is not empty, else the first HTML part. */
export const readableText = ({ header, body }: Part, depth = 0): ReadableText => {
  const contentType = headerField(header, "content-type");
  const type = contentType.toLowerCase();
  const boundary = new RegExp(`boundary="?([^";${SPACE}]+(?:[^";]*[^";${SPACE}])?)"?`, "iu").exec(
    contentType,
  )?.[1];
  if (type.startsWith("multipart/") && boundary !== undefined && depth < DEEPEST)
    return readableTextOfParts(body.split(`--${boundary}`).slice(1), depth);
  const text = decodeTransfer(body, headerField(header, "content-transfer-encoding").toLowerCase());
  if (type.startsWith("text/html")) return { type: "html", text };
  return type === "" || type.startsWith("text") || type.startsWith("multipart/")
    ? { type: "plain", text }
    : { type: "none", text: "" };
};

const readableTextOfParts = (parts: readonly string[], depth: number): ReadableText => {
  let html: ReadableText | undefined;
  for (const part of parts) {
    if (part.startsWith("--")) break;
    // The line end after the boundary is no empty line, unless another one follows.
    const inner = /^\n(?!\n)/u.test(part) ? part.replace(/^\n+/u, "") : part;
    const found = readableText(splitMail(inner), depth + 1);
    if (found.type === "plain" && strip(found.text) !== "") return found;
    if (found.type === "html") html ??= found;
  }
  return html ?? { type: "none", text: "" };
};
