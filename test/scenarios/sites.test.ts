import { describe, expect, test } from "vitest";

import { type CleanMail, mailBySite } from "@bulkhead/scenarios";
import { cleaned } from "./mail.ts";

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
  const spam = many(500, { spam: true }).map((mail) => ({ ...mail, body: `${mail.body} spam` }));
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
