/** What a running client shows: progress for people, one line of JSON an event for machines. */
import type { InputProblem, Json } from "@bulkhead/base";
import { humanBytes, LOG_LEVELS, type LogLevel, openProgress, progressBar } from "@bulkhead/console";
import type { News, NewsOf } from "../news.ts";

export interface Teller {
  readonly news: (news: News) => void;
  readonly say: (type: string, fields: { readonly [field: string]: Json | undefined }, text: string) => void;
  /** `problem` is what the command will end with, and is not said here too. */
  readonly end: (problem?: InputProblem) => void;
}

interface TellerOptions {
  readonly json: boolean;
  readonly level: LogLevel;
  readonly run: string;
  /** Planned by the contract. */
  readonly rounds: number;
}

/** People read on stderr; machines get their lines on stdout, whatever the level. */
export const openTeller = ({ json, level, run, rounds }: TellerOptions): Teller =>
  json ? jsonTeller(run) : humanTeller(level, rounds);

/** `type` says what a line is; news stand in it as they are. */
const jsonTeller = (run: string): Teller => {
  const write = (fields: { readonly [field: string]: unknown }): void => {
    process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), run, ...fields })}\n`);
  };
  return {
    say: (type, fields) => write({ type, ...fields }),
    news: write,
    end: () => undefined,
  };
};

const humanTeller = (level: LogLevel, rounds: number): Teller => {
  const progress = openProgress({ json: false });
  const isSaid = (of: LogLevel) => LOG_LEVELS.indexOf(of) >= LOG_LEVELS.indexOf(level);
  const told = (text: string | undefined, of: LogLevel): void => {
    if (text !== undefined && isSaid(of)) progress.tell({ event: "line" }, text);
  };
  // The last problem waits: where the command ends with it, that is the one line that tells it.
  let waiting: string | undefined;
  const tellWaiting = (): void => {
    told(waiting, "warn");
    waiting = undefined;
  };
  return {
    // Of several lines only where they are our own: news may repeat what stood in a file.
    say: (_, __, text) => text.split("\n").forEach((line) => told(line, "info")),
    news: (news) => {
      if (news.type === "outcome") return;
      tellWaiting();
      if (news.type === "problem") {
        waiting = lineOf(news);
        return;
      }
      const live = liveOf(news, rounds);
      if (live !== undefined && isSaid("info")) progress.live(live);
      told(saidOf(news, rounds), "info");
      told(warnedOf(news), "warn");
    },
    end: (problem) => {
      if (problem === undefined || waiting !== lineOf(problem)) tellWaiting();
      waiting = undefined;
      progress.end();
    },
  };
};

const lineOf = ({ place, problem, cure }: InputProblem): string => `${place}: ${problem}; ${cure}`;

const liveOf = (news: News, rounds: number): string | undefined => {
  if (news.type === "fetching")
    return `the first model: ${humanBytes(news.bytes)} of ${humanBytes(news.total)}`;
  if (news.type === "step") return `round ${news.round} of ${rounds}, attempt ${news.attempt}: ${news.after}`;
  return news.type === "training"
    ? `round ${news.round} of ${rounds}: training ${progressBar(news.step, news.steps)}${lossWords(news.loss)}`
    : undefined;
};

const saidOf = (news: News, rounds: number): string | undefined => {
  switch (news.type) {
    case "ready": {
      const notice = news.notice === undefined ? "" : `; ${news.notice}`;
      return `ready: ${news.rows} rows, backend ${news.backend}, ring engine ${news.engine}, ${news.applied} of ${rounds} rounds applied${notice}`;
    }
    case "trained": {
      const how = news.kept ? "the update from before is there" : `trained on ${news.examples} examples`;
      return `round ${news.round} of ${rounds}: ${how}${lossWords(news.loss)}`;
    }
    case "applied":
      return `round ${news.round} of ${rounds}: applied the sum of ${news.survivors} updates`;
    case "evaluated":
      return `round ${news.round} of ${rounds}: on ${news.examples} rows of this site's own${figures(news)}`;
    case "link":
      return `link to the coordinator: ${news.state}`;
    case "fetching":
    case "step":
    case "training":
    case "masked":
    case "traffic":
    case "problem":
    case "outcome":
      return undefined;
  }
};

const warnedOf = (news: News): string | undefined => {
  if (news.type === "ready") return news.loss;
  return news.type === "step" && news.reasons.length > 0
    ? `round ${news.round}: ${news.reasons.join("; ")}`
    : undefined;
};

const figures = ({ loss, accuracy, balancedAccuracy, auc }: NewsOf<"evaluated">): string =>
  [
    ["loss", loss],
    ["accuracy", accuracy],
    ["balanced accuracy", balancedAccuracy],
    ["AUC", auc],
  ]
    .flatMap(([name, value]) => (typeof value === "number" ? [`, ${name} ${value.toFixed(4)}`] : []))
    .join("");

const lossWords = (loss: number | undefined): string =>
  loss === undefined ? "" : `, loss ${loss.toFixed(4)}`;
