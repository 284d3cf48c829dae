/** The contract's rounds in sequence, from wherever this site stands, until they are done or something ends the run. */
import { bytesToHex } from "@bulkhead/base";
import { fetchModel } from "./fetch-model.ts";
import type { ModelAt } from "./models.ts";
import type { Site } from "./open-site.ts";
import { type CellOutcome, outcomeOfEnd, outcomeOfState } from "./outcome.ts";
import type { DeskEnd, PipeDesk } from "./pipe-desk.ts";
import { type RoundEnd, RunningRound, type RoundTools } from "./take-part.ts";

export type JobTools = Omit<RoundTools, "desk"> & { readonly desk: PipeDesk };

/** Throws an {@link InputError} where the disk or the coordinator's model makes it impossible to go on. */
export const playJob = async (tools: JobTools): Promise<CellOutcome> => {
  const { site, desk } = tools;
  let at = site.start ?? (await orEnd(fetchFirst(tools), desk));
  if ("outcome" in at) return at;
  let evaluated: Promise<void> = Promise.resolve();
  for (;;) {
    const round = new RunningRound(tools, at);
    const running = round.run();
    desk.listen((event) => round.hear(event));
    const end: RoundEnd | CellOutcome = await orEnd(running, desk);
    if ("outcome" in end) {
      round.stop();
      await running;
      if (!isComplete(site)) return end;
      await evaluated;
      return { outcome: "done" };
    }
    const { state, next } = end;
    if (state.stage === "aborted") return outcomeOfState(state);
    if (state.stage === "finished") {
      await evaluated;
      return outcomeOfState(state);
    }
    if (state.stage !== "applied" || next === undefined) return outcomeOfEnd("abandoned");
    at = { round: state.round, model: next };
    tools.tell({
      type: "applied",
      round: state.round,
      survivors: state.survivors.length,
      modelHash: bytesToHex(next.hash),
    });
    evaluated = evaluate(tools, at);
  }
};

/** Every round of the contract is in this site's model: whatever ends the run now, its part is done. */
export const isComplete = ({ memory, job }: Pick<Site, "memory" | "job">): boolean =>
  memory.progress.applied.length >= job.contract.training.rounds;

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
