/** What cell and gateway tell their supervisor, for status and progress on this machine; it never leaves the site. */
import {
  boolean,
  canonicalJson,
  finite,
  type InputProblem,
  integer,
  listOf,
  oneOf,
  optional,
  parseCanonicalJson,
  text,
  textMatching,
  type TypeOf,
  variant,
} from "@bulkhead/base";

const count = integer(0, Number.MAX_SAFE_INTEGER);
const word = text(60);
const sentence = text(2000);
const share = optional(finite());

const problem = { code: word, place: sentence, problem: sentence, cure: sentence };

/** How a run ended; `code` is a stable reason where there is one. */
export const OUTCOMES = [
  "done",
  "stopped",
  "refused",
  "withdrawn",
  "failed",
  "job-failed",
  "unreachable",
] as const;
export type OutcomeType = (typeof OUTCOMES)[number];

const news = variant({
  /** Identity, contract, data, model and engines are all there. */
  ready: {
    member: count,
    applied: count,
    rows: count,
    backend: sentence,
    engine: sentence,
    notice: optional(sentence),
    /** What of the rows could not be used. */
    loss: optional(sentence),
  },
  /** One step of the machine, as `describe` tells it. */
  step: {
    round: count,
    attempt: count,
    before: word,
    after: word,
    event: word,
    message: optional(word),
    sent: count,
    reasons: listOf(sentence, 32),
  },
  /** The model with which the first round starts is being fetched. */
  fetching: { bytes: count, total: count },
  training: { round: count, step: count, steps: count, loss: optional(finite()) },
  trained: { round: count, examples: count, loss: optional(finite()), kept: boolean },
  masked: { round: count, attempt: count, clipped: boolean, clamped: count, bytes: count },
  applied: { round: count, survivors: count, modelHash: textMatching(/^[0-9a-f]{64}$/u, "a digest") },
  evaluated: {
    round: count,
    examples: count,
    loss: share,
    accuracy: share,
    balancedAccuracy: share,
    auc: share,
  },
  /** Of the gateway. */
  link: { state: oneOf("open", "lost", "restored") },
  traffic: { sentBytes: count, sentMessages: count, receivedBytes: count },
  problem,
  outcome: {
    outcome: oneOf(...OUTCOMES),
    code: optional(word),
    detail: optional(sentence),
    applied: count,
  },
});

export type News = TypeOf<typeof news>;
export type NewsOf<T extends News["type"]> = Extract<News, { readonly type: T }>;

const OF_GATEWAY: ReadonlySet<News["type"]> = new Set(["link", "traffic", "problem"]);

/** How a link is doing is the gateway's to say, everything else the cell's; both have problems. */
export const mayTell = (from: "cell" | "gateway", { type }: News): boolean =>
  type === "problem" || OF_GATEWAY.has(type) === (from === "gateway");

export const encodeNews = (item: News): Uint8Array => canonicalJson(item);

/** Throws a `ShapeError`: a process that says anything else is not to be trusted. */
export const decodeNews = (json: Uint8Array): News => news(parseCanonicalJson(json));

const cut = (said: string, longest: number): string =>
  said.length <= longest ? said : `${said.slice(0, longest - 1)}…`;

/** As news, cut to the lengths that news may have. */
export const problemNews = ({ code, place, problem: what, cure }: InputProblem): NewsOf<"problem"> => ({
  type: "problem",
  code: cut(code, 60),
  place: cut(place, 2000),
  problem: cut(what, 2000),
  cure: cut(cure, 2000),
});
