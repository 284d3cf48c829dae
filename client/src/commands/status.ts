/** `status`: what the client of this config is doing, or how it ended, and what has left the site. */
import path from "node:path";
import type { Json } from "@bulkhead/base";
import { EXIT, humanBytes, printable } from "@bulkhead/console";
import { tellResult } from "@bulkhead/party";
import { loadSiteConfig } from "../config.ts";
import { maskedBytesOf } from "../gateway/egress.ts";
import { readEgressLog } from "../gateway/egress-log.ts";
import { readStatus, type SiteStatus } from "../supervisor/status.ts";

export const showStatus = async ({
  config: file,
  json,
}: {
  readonly config: string;
  readonly json?: true;
}): Promise<number> => {
  const { config } = await loadSiteConfig(file);
  const status = await readStatus(path.join(config.state, "status.json"));
  if (status === undefined) {
    tellResult(json, { running: false }, ["No client has been started with this state folder."]);
    return EXIT.done;
  }
  const running = status.outcome === "running" && isAlive(status.pid);
  const egress = await egressOf(config.state, status.contract);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the shape admits nothing but JSON
  const fields = status as unknown as { readonly [field: string]: Json };
  tellResult(json, { running, ...fields, egress: { ...egress } }, linesOf(status, running, egress));
  return EXIT.done;
};

interface Egress {
  /** In all runs under the contract. */
  readonly messages: number;
  readonly maskedBytes: number;
  readonly attempts: number;
}

const egressOf = async (state: string, contract: string): Promise<Egress> => {
  const entries = await readEgressLog(path.join(state, "gateway", contract.slice(0, 16), "egress.jsonl"));
  const begun = entries.filter(({ type }) => type === "masked-input-begins");
  return {
    messages: entries.length - begun.length,
    maskedBytes: maskedBytesOf(entries),
    attempts: new Set(begun.map(({ round, attempt }) => `${round} ${attempt}`)).size,
  };
};

/** Asks the system; a process of somebody else's counts as alive. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
};

const linesOf = (status: SiteStatus, isRunning: boolean, egress: Egress): readonly string[] => {
  const { job, contract, member, wall, rounds, attempt, link, run, updatedAt, problem } = status;
  return [
    `Contract ${job} (${contract.slice(0, 16)}…), as member ${member.number}, ${member.name}: ${stateWords(status, isRunning)}.`,
    `Run ${run}. Rounds: ${rounds.applied} of ${rounds.planned}. Now: ${isRunning ? doingWords(status) : "nothing"}.`,
    `Link: ${isRunning ? link : "none"}. Wall: ${wall.strength}${wall.notice === undefined ? "" : ` (${wall.notice})`}.`,
    `Left this site under the contract: ${egress.messages} messages, ${humanBytes(egress.maskedBytes)} of masked input in ${egress.attempts} attempts.`,
    ...(attempt !== undefined && status.outcome !== "done" && problem !== undefined
      ? [`Last problem: ${printable(problem)}`]
      : []),
    `As of ${updatedAt}`,
  ];
};

const stateWords = ({ outcome, code, pid }: SiteStatus, isRunning: boolean): string => {
  if (isRunning) return `the client runs (process ${pid})`;
  if (outcome === "running") return "the client does not run: it ended without a word; run it again to go on";
  return `the client does not run; it ended as: ${outcome}${code === undefined ? "" : ` (${code})`}`;
};

const doingWords = ({ doing, attempt, training }: SiteStatus): string => {
  if (attempt === undefined) return doing;
  const isTraining =
    training !== undefined && training.round === attempt.round && training.step < training.steps;
  const steps = isTraining ? `, training step ${training.step} of ${training.steps}` : "";
  return `round ${attempt.round}, attempt ${attempt.attempt}, ${attempt.stage}${steps}`;
};
