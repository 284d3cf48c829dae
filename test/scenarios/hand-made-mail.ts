/** Hand-made mails, and a hand-made archive of them. */
import { gzipSync } from "node:zlib";
import type { CleanMail } from "@bulkhead/scenarios";

export const mail = (headers: readonly string[], ...body: readonly string[]): string =>
  ["X-Mail: yes", ...headers, "", ...body].join("\n");

export const cleaned = (fields: Partial<CleanMail>): CleanMail => {
  const { subject = "", body = "" } = fields;
  return {
    file: "easy-ham-1/0.json",
    spam: false,
    header: "",
    subject,
    body,
    text: `${subject} . ${body}`,
    ...fields,
  };
};

const BLOCK = 512;

/** A gzipped ustar archive. */
export const tarball = (files: Readonly<Record<string, string>>): Buffer => {
  const entries = Object.entries(files).flatMap(([name, text]) => {
    const content = Buffer.from(text);
    const header = Buffer.alloc(BLOCK);
    header.write(name, 0, 100);
    header.write(content.length.toString(8).padStart(11, "0"), 124, 11);
    header.write("0", 156);
    return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
  });
  return gzipSync(Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]));
};
