import { describe, expect, test } from "vitest";
import { decodeWords, headerField, readableText, splitMail, strip } from "@bulkhead/scenarios";
import { mail } from "./mail.ts";

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
