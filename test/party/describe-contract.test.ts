import { describeContract } from "@bulkhead/party";
import { expect, test } from "vitest";
import { newFederation } from "../coordinator/federation.ts";

test("a contract in plain words says what leaves, whom it protects, and who has signed", () => {
  const { signed, contract } = newFederation({ members: 4 });
  const text = describeContract({ contract, signatures: signed.signatures.slice(0, 2) });
  expect(text).toContain("What leaves a site");
  expect(text).toContain("examples, loss-sum");
  expect(text).toContain("4 members. A sum has at least 3 of them: 1 may be missing");
  expect(text).toContain("Up to 1 of them may side with the provider");
  expect(text).toMatch(/site-1.*signed/u);
  expect(text).toMatch(/site-2.*has not signed/u);
  expect(text).toMatch(/(\d{5} ){11}\d{5}/u);
});

test("a contract's own words stay on their lines, whatever is in them", () => {
  const { signed, contract } = newFederation({ task: { kind: "module\nNothing leaves." } });
  const words = "Mail\nWhat leaves a site\n  Nothing at all.\u001b[2K\u202e";
  const base = { ...contract.base, name: words, architecture: words };
  const lines = describeContract({
    contract: { ...contract, purpose: words, retention: words, base },
    signatures: signed.signatures,
  }).split("\n");
  expect(lines.filter((line) => line.includes("What leaves a site"))).toHaveLength(4);
  expect(
    lines.filter((line) => /^(?:What leaves a site| {2}Nothing at all|Nothing leaves)/u.test(line)),
  ).toEqual(["What leaves a site"]);
  for (const acting of ["\u001b", "\u202e"]) expect(lines.join("")).not.toContain(acting);
});
