/** Why a secure link did not open, as either side sees it. */
import type { InputProblem } from "@bulkhead/base";
import type { LinkClosed } from "./link.ts";
import { refusalProblem } from "./refusal-problem.ts";
import type { Refusal } from "./refusal.ts";

export type LinkFailure =
  /** `proven` says that the refusal came from the coordinator itself; unproven, anybody on the way may have written it. */
  | { readonly type: "refused"; readonly refusal: Refusal; readonly proven: boolean }
  | { readonly type: "refused-by-us"; readonly refusal: Refusal }
  /** The answer was not signed by the provider of the contract. */
  | { readonly type: "wrong-coordinator" }
  | { readonly type: "not-understood" }
  /** The coordinator's last word did not open: somebody on the way changed it. */
  | { readonly type: "tampered" }
  | { readonly type: "weak-key" }
  | { readonly type: "handshake-too-slow"; readonly afterMs: number }
  | { readonly type: "closed"; readonly closed: LinkClosed };

/** The failure as one line for the client's side. */
export const linkFailureProblem = (failure: LinkFailure, place: string): InputProblem => {
  if (failure.type === "refused" || failure.type === "refused-by-us")
    return refusalProblem(failure.refusal, place);
  const [problem, cure] = failureWords(failure);
  return { code: `link-${failure.type}`, place, problem, cure };
};

const ON_THE_WAY = "check that nothing on the way alters the connection";

type Unrefused = Exclude<LinkFailure, { readonly type: "refused" | "refused-by-us" }>;

const failureWords = (failure: Unrefused): readonly [string, string] => {
  switch (failure.type) {
    case "wrong-coordinator":
      return [
        "the coordinator there does not hold the provider key of the contract",
        "check the address, and compare the provider's safety number",
      ];
    case "not-understood":
      return ["what answers there does not speak this protocol", "check the address"];
    case "tampered":
      return ["the last message of the handshake was altered on its way", ON_THE_WAY];
    case "weak-key":
      return ["the coordinator answered with a key that is no key", "tell the provider; do not go on"];
    case "handshake-too-slow":
      return [`the handshake was not over after ${failure.afterMs} ms`, "check the network, then try again"];
    case "closed":
      return [`the connection ended during the handshake: ${failure.closed.type}`, "try again"];
  }
};
