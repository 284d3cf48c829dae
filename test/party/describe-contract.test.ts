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
