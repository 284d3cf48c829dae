/** One run of a site under one contract: started, watched, written down, to its end. */
import fs from "node:fs";
import type { Secret } from "@bulkhead/base";
import { signedContractBytes } from "@bulkhead/protocol";
import { makeFolder } from "@bulkhead/store";
import type { News } from "../news.ts";
import { isMarked, markContract, registerFile } from "./contract-register.ts";
import type { PreparedSite } from "./prepare-site.ts";
import { type RunEnd, runEndOf } from "./run-end.ts";
import { cellSettings, gatewaySettings, siteFolder } from "./settings-of-config.ts";
import { StatusFile } from "./status.ts";
import { Supervisor, type SupervisorOptions } from "./supervisor.ts";
import { cellView, gatewayView } from "./wall/view.ts";
import type { Wall } from "./wall/wall.ts";

interface SiteRun {
  readonly site: PreparedSite;
  readonly run: string;
  readonly wall: Wall;
  readonly passphrase: Secret;
  /** Only the leave is sent. */
  readonly isWithdrawn: boolean;
  /** Aborted when the run is to stop. */
  readonly signal: AbortSignal;
  readonly onNews: (news: News) => void;
  /** For how long to look for the coordinator, in place of the config's. */
  readonly reachMs?: number;
  readonly programs?: SupervisorOptions["programs"];
}

/** Throws an {@link InputError} where it cannot begin. The caller holds the lock of the state folder. */
export const runSite = async (options: SiteRun): Promise<RunEnd> => {
  const { site, run, wall, signal, isWithdrawn, onNews } = options;
  const { config, job, contract, member } = site;
  const supervised = await partsOf(options);
  const status = new StatusFile(siteFolder(config.state, job).status, {
    run,
    job: job.contract.job,
    contract,
    member: { number: member.id, name: member.name },
    wall: { strength: wall.strength, ...(wall.notice !== undefined && { notice: wall.notice }) },
    plannedRounds: job.contract.training.rounds,
  });
  const supervisor = new Supervisor({
    ...supervised,
    onNews: async (news) => {
      // Before anything that it says to others passes: from here on a journal must be there.
      if (news.type === "ready" && !isWithdrawn) await markContract(config.identity, contract, "used");
      status.hear(news);
      onNews(news);
    },
  });
  const stop = () => supervisor.stop({ withdraws: false });
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  const unwatch = isWithdrawn
    ? () => undefined
    : onWithdrawn(config.identity, contract, () => supervisor.stop({ withdraws: true }));
  try {
    const end = runEndOf(await supervisor.run());
    await status.close(end);
    return end;
  } finally {
    unwatch();
    signal.removeEventListener("abort", stop);
  }
};

/** Settings, views, folders: all that may be wrong in the config is found here. */
const partsOf = async ({
  site,
  wall,
  passphrase,
  isWithdrawn,
  reachMs,
  programs,
}: SiteRun): Promise<Omit<SupervisorOptions, "onNews">> => {
  const { config, signed, job, contract, member, facts } = site;
  const { cell, gateway, output } = siteFolder(config.state, job);
  const isUsed = await isMarked(config.identity, contract, "used");
  const forCell = cellSettings(config, job, { member, isUsed, isWithdrawn, ...facts });
  const forGateway = await gatewaySettings(config, job, member);
  const views = {
    cell: cellView(forCell, config.state, process.env),
    gateway: gatewayView(forGateway, config.state, process.env),
  };
  for (const folder of [cell, gateway, output]) await makeFolder(folder);
  return {
    wall,
    cell: { settings: forCell, view: views.cell },
    gateway: {
      settings: { ...forGateway, ...(reachMs !== undefined && { reachMs }) },
      view: views.gateway,
    },
    contract: signedContractBytes(signed),
    passphrase,
    output,
    ...(programs && { programs }),
  };
};

const LOOK_EVERY_MS = 500;

/** `leave` writes into the register; a client that runs finds it there. Gives what ends the looking. */
const onWithdrawn = (identity: string, contract: string, withdrawn: () => void): (() => void) => {
  let seen: number | undefined;
  const look = async (): Promise<void> => {
    const changed = fs.statSync(registerFile(identity), { throwIfNoEntry: false })?.mtimeMs;
    if (changed === seen) return;
    seen = changed;
    if (!(await isMarked(identity, contract, "withdrawn"))) return;
    clearInterval(timer);
    withdrawn();
  };
  // What cannot be read now may be readable at the next look; whoever wrote it has been told.
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_EVERY_MS);
  return () => clearInterval(timer);
};
