import { type Reason, reasonText } from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { expect, test } from "vitest";

const id = memberId(3);
const REASONS: readonly (readonly [Reason, string])[] = [
  [{ code: "plan-unsigned" }, "the plan does not carry the provider's signature"],
  [{ code: "round-replayed", round: 2, applied: 4 }, "the round is over here already (round 2, applied 4)"],
  [
    { code: "too-few-members", stage: "adverts", present: 2, needed: 3 },
    "fewer members than the contract's minimum (stage adverts, present 2, needed 3)",
  ],
  [{ code: "bad-share", dealer: id }, "a share does not match what its dealer signed (dealer 3)"],
  [{ code: "left", why: "stopped" }, "the member left the round (why stopped)"],
];

test.each(REASONS)("$code is one sentence with its facts", (reason, sentence) => {
  expect(reasonText(reason)).toBe(sentence);
});
