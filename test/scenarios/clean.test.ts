import { describe, expect, test } from "vitest";
import { cleanMail } from "@bulkhead/scenarios";
import { mail } from "./mail.ts";

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
