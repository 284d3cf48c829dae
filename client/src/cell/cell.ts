/** The composition root of the process that has the rows: everything it is made of, put together once, for one contract. */
import { InputError, type InputProblem, type Secret } from "@bulkhead/base";
import { engineText } from "@bulkhead/compute";
import type { Identity } from "@bulkhead/crypto";
import type { SignedContract } from "@bulkhead/protocol";
import { type News, problemNews } from "../news.ts";
import type { CellSettings } from "../settings.ts";
import { leaveFrame } from "./fetch-model.ts";
import { openIdentityFile } from "@bulkhead/store";
import { type Membership, openMembership } from "./membership.ts";
import { type JobState, openJobState, openSite, type Site, type SiteTools } from "./open-site.ts";
import { type CellOutcome, outcomeOfEnd, outcomeOfError, outcomeOfReason } from "./outcome.ts";
import { type CellPipe, PipeDesk } from "./pipe-desk.ts";
import { isComplete, playJob } from "./play-job.ts";

type OpenIdentity = (file: string, passphrase: Secret) => Promise<Identity>;

export interface CellOptions extends SiteTools {
  readonly settings: CellSettings;
  readonly signed: SignedContract;
  /** Wiped as soon as the identity is open. */
  readonly passphrase: Secret;
  readonly channel: CellPipe;
  /** The sealed file's own unless a test has the identity at hand. */
  readonly openIdentity?: OpenIdentity;
  /** For a file on this machine; never news. */
  readonly log?: (error: unknown) => void;
}

/**
 * Runs this site's part of the job to its end. The last news says how it ended, before that a problem says why where
 * that needs a person. Nothing reaches the gateway before contract, policy and journal have
 * been checked, and nothing is left open.
 */
export const startCell = async (options: CellOptions): Promise<CellOutcome> => {
  const desk = new PipeDesk(options.channel);
  const run = new CellRun(options, desk);
  let outcome: CellOutcome;
  try {
    outcome = await run.play();
  } catch (error) {
    if (error instanceof InputError) desk.tell(problemNews(error));
    else options.log?.(error);
    outcome = outcomeOfError(error);
  } finally {
    options.passphrase.wipe();
    await run.close();
  }
  await desk.close();
  desk.tell(outcomeNews(outcome, run.applied));
  return outcome;
};

class CellRun {
  readonly #options: CellOptions;
  readonly #desk: PipeDesk;
  #state: JobState | undefined;
  #site: Site | undefined;

  constructor(options: CellOptions, desk: PipeDesk) {
    this.#options = options;
    this.#desk = desk;
  }

  get applied(): number {
    return this.#state?.memory.progress.applied.length ?? 0;
  }

  async play(): Promise<CellOutcome> {
    const { settings, signed, passphrase, openIdentity = openIdentityFile } = this.#options;
    const membership = await openMembership(settings, signed, (file) => openIdentity(file, passphrase));
    if (settings.isWithdrawn || this.#desk.withdraws) return this.#leave(membership);
    this.#state = await openJobState(membership);
    const { models, memory } = this.#state;
    const last = await models.newest(membership.job, memory.progress);
    if (isComplete({ ...membership, memory }, last)) return { outcome: "done" };
    const site = await this.#open(membership, this.#state);
    if (site === undefined) return this.#stopped(membership);
    this.#tellReady(site);
    this.#desk.admitGateway(membership);
    const { tell } = this.#desk;
    const report = (problem: InputProblem) => tell(problemNews(problem));
    return playJob({ site, desk: this.#desk, tell, report, log: this.#options.log ?? (() => {}) });
  }

  async close(): Promise<void> {
    await this.#site?.trainer.close();
    await this.#site?.engine.close();
    this.#state?.close();
  }

  /** `undefined` where an operator did not want to wait for it. */
  async #open(membership: Membership, state: JobState): Promise<Site | undefined> {
    const { stopping } = this.#desk;
    try {
      this.#site = await openSite(membership, state, this.#options, stopping);
    } catch (error) {
      if (!stopping.aborted || error instanceof InputError) throw error;
      return undefined;
    }
    return stopping.aborted ? undefined : this.#site;
  }

  #stopped(membership: Membership): Promise<CellOutcome> | CellOutcome {
    return this.#desk.withdraws ? this.#leave(membership) : outcomeOfReason({ code: "stopped" });
  }

  /** Says that this site takes no part any more, as soon as there is a link to say it over. */
  async #leave(membership: Membership): Promise<CellOutcome> {
    const linked = new Promise<void>((resolve) => {
      this.#desk.listen((event) => {
        if (event.type === "linked") resolve();
      });
    });
    this.#desk.admitGateway(membership);
    const end = await Promise.race([linked, this.#desk.ended]);
    if (end !== undefined) return outcomeOfEnd(end);
    this.#desk.send(leaveFrame("consent-withdrawn"));
    return outcomeOfReason({ code: "consent-withdrawn" });
  }

  #tellReady({ member, start, rows, trainer, engine }: Site): void {
    this.#desk.tell({
      type: "ready",
      member,
      applied: start?.round ?? 0,
      rows: rows.rows.length,
      backend: trainer.backend,
      engine: engineText(engine),
      ...(trainer.notice === undefined ? {} : { notice: trainer.notice }),
      ...(trainer.loss === undefined ? {} : { loss: trainer.loss }),
    });
  }
}

const outcomeNews = ({ outcome, code, detail }: CellOutcome, applied: number): News => ({
  type: "outcome",
  outcome,
  ...(code === undefined ? {} : { code: code.slice(0, 60) }),
  ...(detail === undefined ? {} : { detail: detail.slice(0, 2000) }),
  applied,
});
