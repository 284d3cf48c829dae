/** `start`: runs a contract's rounds, from wherever they stand, until they are done or a signal comes. */
import path from "node:path";
import { Secret } from "@bulkhead/base";
import { createLogger, EXIT, openProgress, type PassphraseSource, stopSignal } from "@bulkhead/console";
import { engineText, openRingEngine } from "@bulkhead/compute";
import { readFileBounded } from "@bulkhead/store";
import {
  effectiveWith,
  type EngineFlags,
  openIdentity,
  readSignedContractFile,
  tellResult,
} from "@bulkhead/party";
import { type CoordinatorConfig, loadCoordinatorConfig } from "../config.ts";
import type { CoordinatorEvents } from "../coordinator-log.ts";
import { type CoordinatorOptions, type RunningCoordinator, startCoordinator } from "../coordinator.ts";
import { progressLog } from "../progress-log.ts";
import type { RunEnd } from "../report.ts";

interface StartOptions extends EngineFlags {
  readonly config: string;
  readonly contract: string;
  readonly initial?: string;
  readonly passphrase: PassphraseSource;
  readonly json?: true;
}

const LONGEST_PEM = 1 << 20;

export const start = async (options: StartOptions): Promise<number> => {
  const stop = stopSignal();
  const { config, effective } = await loadCoordinatorConfig(options.config);
  const signed = await readSignedContractFile(options.contract);
  const identity = await openIdentity(config.identity, options.passphrase);
  const progress = openProgress({ json: false });
  const log =
    options.json || !process.stderr.isTTY
      ? createLogger<CoordinatorEvents>({ format: options.json ? "json" : "human", level: config.log.level })
      : progressLog(progress, signed.contract.training.rounds);
  log.log("info", "config", { text: effectiveWith(effective(), options) });
  const engine = await openRingEngine({
    engine: options.engine ?? config.engine,
    ...(config.threads !== undefined && { threads: config.threads }),
  });
  log.log("info", "engine", { text: engineText(engine) });
  try {
    const coordinator = await startCoordinator({
      ...(await networkOptions(config)),
      state: config.state,
      identity,
      signed,
      initialModel: options.initial ?? path.join(path.dirname(options.contract), "initial.safetensors"),
      startWaitMs: config.startWaitMs,
      engine,
      log,
    });
    stop.addEventListener("abort", coordinator.stop);
    if (stop.aborted) coordinator.stop();
    const end = await coordinator.done;
    if (end.outcome === "stopped") stop.throwIfAborted();
    progress.end();
    return tellEnd(coordinator, end, options.json);
  } finally {
    progress.end();
    await engine.close();
  }
};

const networkOptions = async ({
  listen,
  trustProxy,
  limits,
}: CoordinatorConfig): Promise<Pick<CoordinatorOptions, "listen" | "longestOutbox" | "sessionLimits">> => {
  const { outboxBytes, ...portLimits } = limits;
  const { tls, ...place } = listen;
  const pem = tls && {
    // PEM is ASCII; what is not is refused as no certificate.
    certificate: Buffer.from(await readFileBounded(tls.certificate, LONGEST_PEM)).toString("latin1"),
    key: new Secret(await readFileBounded(tls.key, LONGEST_PEM)),
    files: tls,
  };
  return {
    listen: { ...place, trustProxy, limits: portLimits, ...(pem === undefined ? {} : { tls: pem }) },
    longestOutbox: outboxBytes,
    sessionLimits: { maxUnacknowledgedBytes: outboxBytes },
  };
};

const tellEnd = (
  { report }: RunningCoordinator,
  { outcome, code, why }: RunEnd,
  json: true | undefined,
): number => {
  const reason = code === undefined ? "" : ` (${code}: ${why ?? ""})`;
  tellResult(json, { outcome, code, why, report }, [`Job ${outcome}${reason}. Report: ${report}`]);
  return outcome === "done" ? EXIT.done : outcome === "stopped" ? EXIT.interrupted : EXIT.failed;
};
