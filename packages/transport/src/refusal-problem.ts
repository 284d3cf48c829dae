/** A coordinator's refusal as one line for the client's side, with what a person can do about it. */
import type { InputProblem } from "@bulkhead/base";
import type { PlainRefusal, Refusal } from "./refusal.ts";

/** The problem's code is the refusal's type behind `link-`. */
export const refusalProblem = (refusal: Refusal, place: string): InputProblem => {
  const [problem, cure] = wordsOf(refusal);
  return { code: `link-${refusal.type}`, place, problem, cure };
};

type Words = readonly [problem: string, cure: string];

const ON_THE_WAY = "check that nothing on the way alters the connection";
const START_AGAIN = "start the client again";
const SET_CLOCK = "set this machine's clock";

const PLAIN_WORDS: Readonly<Record<PlainRefusal, Words>> = {
  "not-understood": ["the coordinator could not read what we sent", ON_THE_WAY],
  "weak-key": ["our key of this connection came to the coordinator as no key", ON_THE_WAY],
  "not-authentic": ["our proof of identity came to the coordinator altered", ON_THE_WAY],
  "wrong-contract": ["the coordinator runs another contract", "compare the contract digests on both sides"],
  "unknown-member": ["the contract's roster has no member with our id", "check the member id"],
  "certificate-invalid": [
    "the identity that the contract names did not certify this gateway",
    "start the client with the identity that signed the contract",
  ],
  "session-unknown": ["the coordinator no longer knows this session", START_AGAIN],
  "resume-out-of-range": ["the two sides disagree on what the session has carried", START_AGAIN],
  "shutting-down": ["the coordinator is shutting down", "try again when it is back"],
};

const wordsOf = (refusal: Refusal): Words => {
  if (refusal.type === "other-version")
    return [
      `the coordinator speaks version ${refusal.version} of the link protocol`,
      "install the release that matches it",
    ];
  if (!("byMs" in refusal)) return PLAIN_WORDS[refusal.type];
  const time = inWords(Math.abs(refusal.byMs));
  switch (refusal.type) {
    case "clock-far-off":
      return [
        `this machine's clock is ${time} ${refusal.byMs < 0 ? "behind" : "ahead of"} the coordinator's`,
        SET_CLOCK,
      ];
    case "certificate-too-long":
      return [`the gateway's certificate lasts ${time} too long`, START_AGAIN];
    case "certificate-not-yet-valid":
      return [`the gateway's certificate begins ${time} from now`, SET_CLOCK];
    case "certificate-expired":
      return [`the gateway's certificate ended ${time} ago`, START_AGAIN];
  }
};

const inWords = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
};
