/** The mail of the scenario `language-model`: cleaned, sorted into folders, split into sites and a test. */
import { type FolderMail, folderMails, FOLDERS, folderText, SHARES, splitFolders } from "@bulkhead/scenarios";
import { describe, expect, test } from "vitest";
import { mail } from "./hand-made-mail.ts";

const LINE = "These are forty and a few more characters of text.";

const bodyOf = (...lines: readonly string[]) => folderText(mail([], LINE, ...lines))?.body;

describe("a mail's text", () => {
  test("has up to four signs of an answer or a list cut from its subject", () => {
    const subject = (text: string) => folderText(mail([`Subject: ${text}`], LINE))?.subject;
    expect(subject("Re: [ILUG] Fwd: AW: mounting")).toBe("mounting");
    expect(subject("Re: Re: Re: Re: Re: five")).toBe("Re: five");
    expect(subject("x".repeat(100))).toBe("x".repeat(80));
  });

  test.each([
    ["a quote", "> quoted"],
    ["a footer", "-- "],
    ["a header of a part", "Content-Type: text/plain"],
    ["a header of a feed", "URL: http://boing.example/"],
    ["an attribution", "On Monday, Ann wrote: "],
    ["a date of an answer", "On 1 May 2002 somebody had said this:"],
    ["a list's footer", "Irish Linux Users' Group MAILING LIST"],
    ["ten underscores", "__________"],
    ["a boundary", '  boundary="x"'],
  ])("is without %s", (_, line) => {
    expect(bodyOf(line)).toBe(LINE);
  });

  test("is without links, addresses and what lies beyond ASCII, and repeats no sign more than twice", () => {
    expect(bodyOf("see http://a.example/b or www.c.example, ann@d.example: naïve!!! yes")).toBe(
      `${LINE} see or na ve! yes`,
    );
  });

  test("of HTML is without tags, styles and entities", () => {
    expect(bodyOf("<P>one<style>no</STYLE><!-- no -->&nbsp;<b>two</b>")).toBe(`${LINE} one two`);
    expect(bodyOf("if a <b or <px then")).toBe(`${LINE} if a <b or <px then`);
  });

  test("is decoded where it is quoted-printable", () => {
    const source = mail(["Content-Transfer-Encoding: quoted-printable"], LINE, "a=3Db=", "c");
    expect(folderText(source)?.body).toBe(`${LINE} a=bc`);
  });

  test("is cut to 600 characters", () => {
    expect(bodyOf("word ".repeat(200))).toHaveLength(600);
  });
});

test.each([
  ["in base64", mail(["Content-Transfer-Encoding: base64"], LINE)],
  ["foreign", mail([], LINE, "é".repeat(10))],
  ["short", mail([], "short")],
])("a mail that is %s is left out", (_, source) => {
  expect(folderText(source)).toBeUndefined();
});

describe("a mail's folder", () => {
  const folderOf = (header: string, file = "easy-ham-1/1.json") =>
    folderMails([{ file, spam: file.startsWith("spam"), source: mail([header], LINE) }])[0]?.folder;

  test.each([
    ["List-Id: Irish Linux <ilug.linux.ie>", "linux"],
    ["List-ID: <FORK.xent.com>", "talk"],
    ["List-Id: <razor-users.example.net>", "filter"],
    ["X-Spambayes: no", "filter"],
    ["To: yyyy@rssfeeds.example", "news"],
    ["To: zzzzteana@example.com", "odd"],
    ["From: ann@example.com", undefined],
    ["List-Id: <elsewhere.example.org>", undefined],
  ])("by %s is %s", (header, folder) => {
    expect(folderOf(header)).toBe(folder);
  });

  test("is spam for spam, whatever list it came by; the hard mails are left out", () => {
    expect(folderOf("List-Id: <ilug.linux.ie>", "spam-1/1.json")).toBe("spam");
    expect(folderOf("List-Id: <ilug.linux.ie>", "hard-ham-1/1.json")).toBeUndefined();
  });
});

test("of mails that begin alike the first stays; a thread is the letters of the subject, or the body's start", () => {
  const raw = (file: string, subject: string, body: string) => ({
    file: `spam-1/${file}`,
    spam: true,
    source: mail([`Subject: ${subject}`], body),
  });
  const long = `${LINE} And more than sixty characters in all.`;
  const mails = folderMails([
    raw("1", "Re: 2 Cats", long),
    raw("2", "x", `${long} End.`),
    raw("3", "", LINE),
  ]);
  expect(mails.map(({ file, thread }) => [file, thread])).toEqual([
    ["spam-1/1", "cats"],
    ["spam-1/3", LINE.slice(0, 20)],
  ]);
});

const made = (folder: FolderMail["folder"], i: number): FolderMail => ({
  file: `${folder}/${i}`,
  folder,
  subject: "",
  body: "",
  key: `${folder} ${i}`,
  thread: `${folder} ${i}`,
});

test("sites have their shares, everybody is tested on 40 mails of each folder, and no mail stands twice", () => {
  const mails = FOLDERS.flatMap((folder) => Array.from({ length: 500 }, (_, i) => made(folder, i)));
  const { sites, test: held } = splitFolders(mails, 7);
  const share = (folder: string, of: readonly FolderMail[]) =>
    of.filter((one) => one.folder === folder).length / of.length;
  for (const [site, own] of sites) {
    expect(own).toHaveLength(300);
    for (const folder of FOLDERS) expect(share(folder, own)).toBeCloseTo(SHARES[site][folder], 6);
  }
  expect(held).toHaveLength(200);
  for (const folder of FOLDERS) expect(share(folder, held)).toBe(0.2);
  const files = [...[...sites.values()].flat(), ...held].map(({ file }) => file);
  expect(new Set(files).size).toBe(files.length);
  expect(splitFolders(mails.toReversed(), 7)).toEqual({ sites, test: held });
  expect(splitFolders(mails, 8).test).not.toEqual(held);
});

test("a conversation is at a site or in the test, never in both", () => {
  const thread = Array.from({ length: 200 }, (_, i) => ({ ...made("linux", i), thread: "one thread" }));
  const { sites, test: held } = splitFolders(thread, 0);
  expect([sites.get("systems")!.length > 0, held.length > 0].filter(Boolean)).toHaveLength(1);
});
