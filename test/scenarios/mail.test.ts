/** The mail of the quickstart: read, cleaned, split, searched for, and how well it is sorted. */
import { loadJobDescription } from "@bulkhead/coordinator";
import { describe, expect, test } from "vitest";
import {
  cleanMail,
  type CleanMail,
  decodeWords,
  type Figures,
  filesWithRows,
  headerField,
  mailBySite,
  mailJob,
  QUICK,
  SMALL,
  meanQuality,
  type Quality,
  readableText,
  readCorpus,
  slackOf,
  splitMail,
  strip,
} from "@bulkhead/scenarios";
import { cleaned, mail, tarball } from "./hand-made-mail.ts";
import fs from "node:fs";
import path from "node:path";
import { freshFolder } from "../launch.ts";

// ── mime ──────────────────────────────────────────────────────────────────

const readable = (headers: readonly string[], ...body: readonly string[]) =>
  readableText(splitMail(mail(headers, ...body)));

describe("a header field", () => {
  test("is found whatever its case, and only at the start of a line", () => {
    const { header } = splitMail(mail(["X-Subject: no", "note: Subject: no", "SUBJECT:  yes "], "body"));
    expect(headerField(header, "subject")).toBe("yes");
  });

  test("is unfolded", () => {
    const { header } = splitMail(mail(["Subject: a", "\tb", "  c", "To: d"], "body"));
    expect(headerField(header, "subject")).toBe("a b c");
  });

  test("is empty where there is none, also in a mail that is all header", () => {
    expect(headerField(splitMail("Subject: x").header, "to")).toBe("");
    expect(splitMail("Subject: x").body).toBe("");
  });
});

test("encoded words are decoded as latin-1, quoted or in base64", () => {
  expect(decodeWords("=?iso-8859-1?Q?Caf=E9_au_lait?= =?x?b?aGkh?=")).toBe("Café au lait hi!");
});

test("white space is that of the recipe: NEL and the file separator count, zero-width space does not", () => {
  expect(strip("\u0085\u001c a\u00a0\u3000")).toBe("a");
  expect(strip("\u200ba\ufeff")).toBe("\u200ba\ufeff");
});

describe("the readable part", () => {
  test("of a plain mail is its body, decoded", () => {
    const quoted = ["Content-Transfer-Encoding: Quoted-Printable"];
    expect(readable(quoted, "a=3Db=", "c = d =20")).toEqual({ type: "plain", text: "a=bc = d  " });
    expect(readable(["Content-Transfer-Encoding: base64"], "aGVs", "bG8").text).toBe("hel");
  });

  test("of a multipart is the first plain part that is not empty", () => {
    const { type, text } = readable(
      [`Content-Type: multipart/alternative; boundary="b"`],
      "preamble",
      "--b",
      "Content-Type: text/html",
      "",
      "<p>no</p>",
      "--b",
      "Content-Type: text/plain",
      "",
      "  ",
      "--b",
      "",
      "yes",
      "--b--",
      "epilogue",
    );
    expect([type, strip(text)]).toEqual(["plain", "yes"]);
  });

  test("of a multipart without plain text is its first HTML, at most three parts deep", () => {
    const nested = (depth: number): readonly string[] =>
      depth === 0
        ? ["Content-Type: text/html", "", "deep"]
        : [
            `Content-Type: multipart/mixed; boundary=${"x".repeat(depth)}y`,
            "",
            `--${"x".repeat(depth)}y`,
            ...nested(depth - 1),
            `--${"x".repeat(depth)}y--`,
          ];
    const read = (depth: number) => readableText(splitMail(nested(depth).join("\n")));
    expect(read(2)).toMatchObject({ type: "html" });
    expect(strip(read(2).text)).toBe("deep");
    expect(read(4).type).toBe("plain");
  });

  test("of an attachment is nothing", () => {
    expect(readable(["Content-Type: application/zip"], "PK")).toEqual({ type: "none", text: "" });
  });

  test("of a multipart without any text is nothing", () => {
    const parts = ["--b", "Content-Type: image/png", "", "x", "--b--"];
    expect(readable(["Content-Type: multipart/mixed; boundary=b"], ...parts)).toEqual({
      type: "none",
      text: "",
    });
  });
});

// ── clean ─────────────────────────────────────────────────────────────────

const clean = (headers: readonly string[], ...body: readonly string[]) =>
  cleanMail({ file: "easy-ham-1/1.json", spam: false, source: mail(headers, ...body) });

describe("a mail's text", () => {
  test("is subject and body in lower case, without list tags and answers", () => {
    const { text } = clean(["Subject: Re: [Tools] FW:  How to  START"], "Like This");
    expect(text).toBe("how to start . like this");
  });

  test("hides addresses and links, and keeps digits as one zero", () => {
    const { body } = clean(
      [],
      "Write to Ann@example.org or see https://example.org/a?b=1 or www.b.com: 1234 EUR",
    );
    expect(body).toBe("write to mail or see link or link 0 eur");
  });

  test("collapses repeated punctuation, and makes everything beyond ASCII a space", () => {
    expect(clean([], "Wow!!!! Café --- now").body).toBe("wow! caf - now");
  });

  test("has no quoted, header-like or attribution lines, and ends at a signature", () => {
    const { body } = clean(
      [],
      "Hello",
      "> you said",
      "| and this",
      "Subject: that",
      "On Monday Bob wrote:",
      "mine",
      "-- ",
      "Bob, Ltd.",
    );
    expect(body).toBe("hello mine");
  });

  test("ends at a mailing list's footer of ten underscores, not of nine", () => {
    expect(clean([], "a", "_________", "b", "__________", "c").body).toBe("a _ b");
  });

  test("is cut to 600 characters after the rest is done", () => {
    const { text, body } = clean(["Subject: s"], "word ".repeat(200));
    expect(text).toHaveLength(600);
    expect(body.length).toBeGreaterThan(600);
  });

  test("is the same whatever the line ends are", () => {
    const source = mail(["Subject: a", "X: b"], "one", "two");
    const of = (text: string) => cleanMail({ file: "f", spam: false, source: text });
    expect(of(source.replaceAll("\n", "\r\n"))).toEqual(of(source));
    expect(of(source.replaceAll("\n", "\r"))).toEqual(of(source));
  });
});

describe("HTML", () => {
  test("is stripped of tags, comments, scripts and entities", () => {
    const { body } = clean(
      ["Content-Type: text/html"],
      "<html><style>p { x }</style><script>let a = 1</script ><!-- <b>not</b> me -->",
      "<P class=x>Buy&nbsp;now &amp; &lt;save&gt; &#36; &unknown; 5</P></html>",
    );
    expect(body).toBe("buy now & <save> 0");
  });

  test("is recognised in a mail that says it is plain", () => {
    expect(clean(["Content-Type: text/plain"], "<font size=2>hi</font> <b>there</b>").body).toBe("hi there");
  });

  test("is not seen where there are only angle brackets", () => {
    expect(clean([], "if a <b then").body).toBe("if a <b then");
  });
});

// ── sites ─────────────────────────────────────────────────────────────────

/** The place of the only mail. */
const siteOf = (fields: Partial<CleanMail>): number => {
  const body = fields.body ?? "a body with quite enough letters to be told from all others";
  const sites = mailBySite([cleaned({ ...fields, body })]);
  return sites.findIndex(({ train, test: held }) => train.length + held.length > 0);
};

describe("ham goes", () => {
  test.each([
    [0, "direct mail and newsletters", "From: ann"],
    [1, "technical lists", "List-Id: <ilug.linux.ie>"],
    [1, "python lists without a List-Id", "To: x@python.org"],
    [2, "discussion lists", "List-Id: Friends of Rohit Khare <fork.xent.com>"],
    [2, "discussion lists at yahoogroups", "To: y@yahoogroups.com"],
  ])("to site %i: %s", (site, _, header) => {
    expect(siteOf({ header })).toBe(site);
  });
});

describe("spam goes", () => {
  test.each([
    [0, "a cheap mortgage for your house, sent to you alone today"],
    [1, "a general offer for anybody who reads this far in the mail"],
    [2, "cheap herbal pills and a mortgage to pay for all of them now"],
  ])("to site %i: %s", (site, body) => {
    expect(siteOf({ spam: true, body })).toBe(site);
  });

  test("by its first 300 characters only", () => {
    expect(siteOf({ spam: true, body: `${"word ".repeat(70)} mortgage` })).toBe(1);
  });
});

const letters = (i: number): string =>
  String(i)
    .padStart(6, "0")
    .replaceAll(/\d/gu, (digit) => "abcdefghij".charAt(Number(digit)));

const many = (count: number, fields: Partial<CleanMail> = {}): readonly CleanMail[] =>
  Array.from({ length: count }, (_, i) =>
    cleaned({
      file: `easy-ham-1/${i}.json`,
      subject: `about ${letters(i)}`,
      body: `${letters(i)} is what this mail of no importance speaks of`,
      ...fields,
    }),
  );

test("of mails whose bodies start with the same 80 letters the first one stays", () => {
  const start =
    "these are eighty letters or more with which two mails of the corpus may begin without being one mail";
  const mails = ["1", "2", "3"].map((name, i) =>
    cleaned({ file: name, body: i === 2 ? `other ${start}` : `${start} and ${name} ends` }),
  );
  const { train, test: held } = mailBySite(mails)[0]!;
  expect([...train, ...held].map(({ file }) => file).toSorted()).toEqual(["1", "3"]);
});

test("short bodies are told apart by their subjects, and too short mails are dropped", () => {
  const mails = ["the first of these subjects", "the second of these subjects", "hi"].map((subject, i) =>
    cleaned({ file: String(i), subject, body: "see you" }),
  );
  const { train, test: held } = mailBySite(mails)[0]!;
  expect([...train, ...held].map(({ file }) => file).toSorted()).toEqual(["0", "1"]);
});

test("at most 600 ham and 400 spam stay at a site, in an order that does not depend on the corpus", () => {
  const ham = many(700);
  const spam = many(500, { spam: true }).map((one) => ({ ...one, body: `${one.body} spam` }));
  const count = (mails: readonly CleanMail[]) => {
    const { train, test: held } = mailBySite(mails)[0]!;
    return [...train, ...held].length;
  };
  expect(count(ham)).toBe(600);
  const kept = mailBySite(ham)[0]!;
  const reversed = mailBySite(ham.toReversed())[0]!;
  expect(reversed).toEqual(kept);
  expect(mailBySite(spam)[1]!.train.length + mailBySite(spam)[1]!.test.length).toBe(400);
});

test("a thread stands in train or in test, never in both", () => {
  const thread = many(40, { subject: "one thread" });
  const { train, test: held } = mailBySite(thread)[0]!;
  expect(Math.max(train.length, held.length)).toBe(40);
  const threads = many(300);
  const parted = mailBySite(threads)[0]!;
  expect(parted.test.length / 300).toBeGreaterThan(0.2);
  expect(parted.test.length / 300).toBeLessThan(0.47);
});

// ── corpus ────────────────────────────────────────────────────────────────

const archive = (files: Readonly<Record<string, string>>): string => {
  const file = path.join(freshFolder(), "corpus.tgz");
  fs.writeFileSync(file, tarball(files));
  return file;
};

const one = (text: string): string => JSON.stringify({ id: "x", group: "y", text });

test("mails are read in the order of groups and names, whatever the archive's order; other files are not", async () => {
  const file = archive({
    "package/README.md": "# no",
    "package/data/spam-1/00001.json": one("spam"),
    "package/data/easy-ham-1/00002.json": one("b".repeat(600)),
    "package/data/easy-ham-1/00002.txt": "b",
    "package/data/easy-ham-1/00001.json": one("a"),
    "package/data/elsewhere/00001.json": one("no"),
  });
  const mails = await readCorpus(file);
  expect(mails.map(({ file: name, spam, source }) => [name, spam, source.length])).toEqual([
    ["easy-ham-1/00001.json", false, 1],
    ["easy-ham-1/00002.json", false, 600],
    ["spam-1/00001.json", true, 4],
  ]);
});

test("a mail without a text is refused by name", async () => {
  const file = archive({ "package/data/spam-2/00009.json": `{"id":"x"}` });
  await expect(readCorpus(file)).rejects.toMatchObject({
    name: "InputError",
    message: expect.stringContaining("spam-2/00009.json"),
  });
});

// ── row-search ────────────────────────────────────────────────────────────

const TEXT = "this is one of the rows which no file of another party may ever hold, whole or in part";

const folderWith = (contents: Readonly<Record<string, string | Uint8Array>>): string => {
  const folder = freshFolder();
  for (const [name, content] of Object.entries(contents)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), content);
  }
  return folder;
};

test("a piece of a row is found at any depth, amid any bytes", () => {
  const bytes = Buffer.concat([
    Buffer.from([0, 255, 10]),
    Buffer.from(TEXT.slice(20, 70)),
    Buffer.from([128]),
  ]);
  const folder = folderWith({ "a/b/c.bin": bytes, "a/clean": "nothing here" });
  expect(filesWithRows(folder, [TEXT])).toEqual([path.join(folder, "a/b/c.bin")]);
});

test("the start of a row alone is none: other texts may begin alike", () => {
  expect(filesWithRows(folderWith({ log: TEXT.slice(0, 40) }), [TEXT])).toEqual([]);
});

test("rows that begin with the same bytes in their middle are told apart", () => {
  const other = TEXT.replace("no file of another", "no file of anybody");
  const folder = folderWith({ log: other });
  expect(filesWithRows(folder, [TEXT])).toEqual([]);
  expect(filesWithRows(folder, [TEXT, other])).toHaveLength(1);
});

// ── quality ───────────────────────────────────────────────────────────────

const figures = (accuracy: number): Figures => ({
  accuracy,
  balanced: accuracy / 2,
  auc: 1,
  recallAt1PercentFalsePositives: 0,
});

const quality = (federated: number, best: number, centralised: number): Quality => ({
  base: figures(0.5),
  local: {
    north: { ...figures(best), ownMail: { alone: best, federated } },
    east: { ...figures(best - 0.1), ownMail: { alone: 0.9, federated: 0.8 } },
  },
  federated: figures(federated),
  centralised: figures(centralised),
});

test("the mean of qualities is taken figure by figure", () => {
  const mean = meanQuality([quality(0.9, 0.8, 0.95), quality(0.94, 0.86, 0.97)]);
  expect(mean.federated.accuracy).toBeCloseTo(0.92, 12);
  expect(mean.federated.balanced).toBeCloseTo(0.46, 12);
  expect(mean.local["north"]!.ownMail.alone).toBeCloseTo(0.83, 12);
  expect(Object.keys(mean.local)).toEqual(["north", "east"]);
});

test("the federation is held against the best site, not against the mean of them", () => {
  const margins = { federated: 0.9, overBestSite: 0.05, belowCentralised: 0.02 };
  const slack = slackOf(quality(0.94, 0.9, 0.97), margins);
  expect(slack.federated).toBeCloseTo(0.04, 12);
  expect(slack.overBestSite).toBeCloseTo(-0.01, 12);
  expect(slack.belowCentralised).toBeCloseTo(-0.01, 12);
});

// ── job ───────────────────────────────────────────────────────────────────

test("the walkthrough's job is the quickstart's recipe, over the cached encoder, and takes another size", async () => {
  const file = path.join(import.meta.dirname, "..", "..", "scenarios", "jobs", "mail.yaml");
  const { config } = await loadJobDescription(file);
  expect(config.training).toMatchObject(QUICK);
  expect(config.model?.folder).toBe(path.resolve(import.meta.dirname, "..", "..", ".cache", "minilm"));
  const job = await mailJob({ recipe: SMALL, seed: "5e".repeat(32), modelFolder: "/models/encoder" });
  expect(job).toMatchObject({
    model: { folder: "/models/encoder", name: config.model?.name },
    task: { ...config.task, seed: "5e".repeat(32) },
    training: { ...config.training, ...SMALL },
    update: config.update,
  });
  expect(Object.keys(job)).not.toContain("members");
});
