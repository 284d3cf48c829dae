/** The whole corpus against what the recipe's first author made of it with another program in another language. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type CleanMail, cleanMail, mailBySite, readCorpus, type SiteMail } from "@bulkhead/scenarios";

const corpus = path.join(import.meta.dirname, "..", "..", ".cache", "mail", "spam-assassin.tgz");
const isThere = existsSync(corpus);

const digest = (lines: readonly string[]): string =>
  createHash("sha256").update(lines.join("\n")).digest("hex");

describe.skipIf(!isThere)(`the mail corpus${isThere ? "" : " (not fetched: run npm run quickstart)"}`, () => {
  let mails: readonly CleanMail[] = [];
  let sites: readonly SiteMail[] = [];
  beforeAll(async () => {
    mails = (await readCorpus(corpus)).map(cleanMail);
    sites = mailBySite(mails);
  });

  test("has every text, subject and header, to the last character", () => {
    expect(mails).toHaveLength(6046);
    expect(digest(mails.map(({ file, text }) => `${file} ${text}`))).toBe(
      "a5150fe84671f689fffbd8b7adba2c9e5cc6a5993876f9754f1c744a2679f4a4",
    );
    expect(digest(mails.map(({ file, subject, body }) => `${file} ${subject} . ${body}`))).toBe(
      "d3dfd233962e3267fdb72f70f310ce8cc29d1178b7b39dd5e26554821b868e51",
    );
  });

  test("is split as it was", () => {
    const files = sites.flatMap(({ train, test: held }) => [...train, ...held]).map(({ file }) => file);
    expect(digest(files.toSorted())).toBe("567e927ca086ffc280ed499891984dfc5dbccf05deb6cfc155f0a92b96bb4431");
  });

  test("has the recipe's counts at each site", () => {
    const count = (part: readonly CleanMail[]) => [
      part.filter(({ spam }) => !spam).length,
      part.filter(({ spam }) => spam).length,
    ];
    expect(sites.map(({ train, test: held }) => [...count(train), ...count(held)])).toEqual([
      [362, 248, 238, 110],
      [412, 277, 188, 123],
      [435, 127, 165, 50],
    ]);
  });

  test("shares no subject between the train of one site and the test of another", () => {
    const letters = ({ subject }: CleanMail) => subject.replaceAll(/[^a-z]/gu, "");
    const trained = new Set(sites.flatMap(({ train }) => train).map(letters));
    const shared = sites.flatMap(({ test: held }) => held).filter((mail) => trained.has(letters(mail)));
    expect(shared).toEqual([]);
  });
});
