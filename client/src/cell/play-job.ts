/** The contract's rounds in sequence, from wherever this site stands, until they are done or something ends the run. */
import { bytesToHex, invariant } from "@bulkhead/base";
import { isStopped } from "@bulkhead/party";
import type { OutcomeType } from "../news.ts";
import { fetchModel } from "./fetch-model.ts";
import type { ModelAt } from "./models.ts";
import type { Site } from "./open-site.ts";
import { type CellOutcome, outcomeOfEnd, outcomeOfState } from "./outcome.ts";
import type { DeskEnd, PipeDesk } from "./pipe-desk.ts";
import { type RoundEnd, RunningRound, type RoundTools } from "./take-part.ts";

type JobTools = Omit<RoundTools, "desk"> & { readonly desk: PipeDesk };

/** Throws an {@link InputError} where the disk or the coordinator's model makes it impossible to go on. */
export const playJob = async (tools: JobTools): Promise<CellOutcome> => {
  const { site, desk } = tools;
  let at = site.start ?? (await orEnd(fetchFirst(tools), desk));
  let evaluated: Promise<void> = Promise.resolve();
  let last: ModelAt | undefined = "outcome" in at ? undefined : at;
  while (!("outcome" in at)) {
    at = await playRound(tools, at);
    if ("outcome" in at) break;
    last = at;
    evaluated = evaluate(tools, at);
  }
  const outcome = isComplete(site, last) && HARMLESS.has(at.outcome) ? DONE : at;
  if (outcome.outcome === "done") await evaluated;
  return outcome;
};

const DONE: CellOutcome = { outcome: "done" };
/** Where every round is in the model, a link that is gone or a signal takes nothing away. */
const HARMLESS: ReadonlySet<OutcomeType> = new Set(["stopped", "unreachable", "failed"]);

/** Gives the model after the round, or how the run ended. */
const playRound = async (tools: JobTools, before: ModelAt): Promise<ModelAt | CellOutcome> => {
  const { desk, tell } = tools;
  const round = new RunningRound(tools, before);
  const running = round.run();
  desk.listen((event) => round.hear(event));
  const end: RoundEnd | CellOutcome = await orEnd(running, desk);
  if ("outcome" in end) {
    round.stop();
    await running;
    return end;
  }
  const { state, next } = end;
  if (state.stage === "finished" || state.stage === "aborted") return outcomeOfState(state);
  invariant(state.stage === "applied" && next !== undefined, "a round that nobody stopped has an end");
  tell({
    type: "applied",
    round: state.round,
    survivors: state.survivors.length,
    modelHash: bytesToHex(next.hash),
  });
  return { round: state.round, model: next };
};

/** Every round of the contract, or so many that it stops, are in this site's model: whatever ends the run now, its part is done. */
export const isComplete = (
  { memory, job }: Pick<Site, "memory" | "job">,
  last: ModelAt | undefined,
): boolean => {
  const applied = memory.progress.applied.length;
  return applied >= job.contract.training.rounds || (last?.round === applied && isStopped(job, last.model));
};

const fetchFirst = async ({ site, desk }: JobTools): Promise<ModelAt | CellOutcome> => {
  const fetched = await fetchModel(site.job, desk);
  if ("outcome" in fetched) return fetched.outcome;
  await site.models.save(fetched);
  return fetched;
};

const orEnd = async <T>(work: Promise<T>, desk: PipeDesk): Promise<T | CellOutcome> => {
  const ended = desk.ended.then((end): { readonly end: DeskEnd } => ({ end }));
  const first = await Promise.race([work.then((result) => ({ result })), ended]);
  return "end" in first ? outcomeOfEnd(first.end) : first.result;
};

/** For this site alone: nothing of it is sent. */
const evaluate = async ({ site, tell, log }: JobTools, { round, model }: ModelAt): Promise<void> => {
  if (site.evaluation === undefined) return;
  try {
    const { examples, ...figures } = await site.training.evaluate(model.flat, site.evaluation);
    const finite = Object.fromEntries(
      (["loss", "accuracy", "balancedAccuracy", "auc"] as const)
        .map((name) => [name, figures[name]] as const)
        .filter(([, figure]) => Number.isFinite(figure)),
    );
    tell({ type: "evaluated", round, examples, ...finite });
  } catch (error) {
    log(error);
  }
};
