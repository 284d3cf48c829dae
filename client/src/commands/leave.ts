/** `leave`: withdraws consent for good. That nothing further leaves does not depend on reaching anybody. */
import { setTimeout as sleep } from "node:timers/promises";
import { InputError } from "@bulkhead/base";
import { EXIT, type PassphraseSource, readPassphrase, stopSignal } from "@bulkhead/console";
import { tellResult } from "@bulkhead/party";
import { type FolderLock, lockFolder } from "@bulkhead/store";
import { loadSiteConfig } from "../config.ts";
import type { NewsOf } from "../news.ts";
import { markContract } from "../supervisor/contract-register.ts";
import { type PreparedSite, prepareSite } from "../supervisor/prepare-site.ts";
import { runSite } from "../supervisor/run-site.ts";
import { siteFolder } from "../supervisor/settings-of-config.ts";
import { readStatus, type SiteStatus } from "../supervisor/status.ts";
import { raiseWall } from "../supervisor/wall/wall.ts";

interface LeaveOptions {
  readonly config: string;
  readonly contract: string;
  readonly passphrase: PassphraseSource;
  readonly json?: true;
}

/** Exit code 4 where the withdrawal stands but the coordinator could not be told. */
export const leave = async (options: LeaveOptions): Promise<number> => {
  const signal = stopSignal();
  const { config } = await loadSiteConfig(options.config);
  const site = await prepareSite(config, options.contract);
  await markContract(config.identity, site.contract, "withdrawn");
  const { wasTold, how } = await tellOthers(site, options.passphrase, signal);
  const { job, contract } = site;
  tellResult(options.json, { withdrawn: true, contract, told: wasTold, how }, [
    `Consent to contract ${job.contract.job} (${contract.slice(0, 16)}…) is withdrawn: nothing further leaves this site under it.`,
    wasTold
      ? `The coordinator was told (${how}).`
      : `The coordinator could not be told (${how}); run leave again to try once more.`,
  ]);
  return wasTold ? EXIT.done : EXIT.unreachable;
};

interface Told {
  readonly wasTold: boolean;
  readonly how: string;
}

/** By the client that runs under this contract, or by a short run of our own. */
const tellOthers = async (
  site: PreparedSite,
  source: PassphraseSource,
  signal: AbortSignal,
): Promise<Told> => {
  const lock = await lockOrWait(site, signal);
  if ("wasTold" in lock) return lock;
  try {
    const wall = await raiseWall(site.config.wall.require);
    const passphrase = await readPassphrase(source, { purpose: `identity of ${site.member.name}` });
    return await tellByRun({ site, wall, passphrase, signal });
  } finally {
    await lock.release();
  }
};

const WAIT_MS = 60_000;
const LOOK_EVERY_MS = 250;

/** The folder's lock where no client runs, else how the one that runs has ended. */
const lockOrWait = async (
  { config, job, contract }: PreparedSite,
  signal: AbortSignal,
): Promise<FolderLock | Told> => {
  const file = siteFolder(config.state, job).status;
  const deadline = Date.now() + WAIT_MS;
  let isOurs = false;
  for (;;) {
    const status = await readStatus(file);
    if (isOurs && status?.outcome === "withdrawn")
      return { wasTold: isLinked(status), how: "by the client that was running" };
    try {
      return await lockFolder(config.state);
    } catch (error) {
      if (!(error instanceof InputError) || error.code !== "folder-in-use") throw error;
      isOurs ||= status?.contract === contract && status.outcome === "running";
      if (!isOurs || Date.now() > deadline)
        return { wasTold: false, how: "another client has the state folder" };
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
};

/** At its end. */
const isLinked = ({ link }: SiteStatus): boolean => link === "open" || link === "restored";

const REACH_MS = 10_000;

const tellByRun = async (
  parts: Pick<Parameters<typeof runSite>[0], "site" | "wall" | "passphrase" | "signal">,
): Promise<Told> => {
  const { contract } = parts.site;
  let traffic: NewsOf<"traffic"> | undefined;
  const end = await runSite({
    ...parts,
    run: `leave-${contract.slice(0, 16)}`,
    isWithdrawn: true,
    reachMs: REACH_MS,
    onNews: (news) => {
      if (news.type === "traffic") traffic = news;
    },
  });
  const wasTold = end.outcome === "withdrawn" && (traffic?.sentMessages ?? 0) > 0;
  return { wasTold, how: wasTold ? "by a run for this alone" : (end.problem?.problem ?? end.outcome) };
};
