/** From `site.yaml` to what cell and gateway are told. */
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import type { Job, Member } from "@bulkhead/protocol";
import { readFileBounded } from "@bulkhead/store";
import { trustedRoots } from "@bulkhead/transport";
import type { SiteConfig } from "../config.ts";
import type { PolicyFacts } from "../policy.ts";
import type { CellSettings, GatewaySettings } from "../settings.ts";

/** Where everything stands in a site's state folder. A contract's folders are named by its digest's first 16 digits. */
export const siteFolder = (state: string, { contractHash }: Pick<Job, "contractHash">) => ({
  cell: path.join(state, "cell"),
  gateway: path.join(state, "gateway", bytesToHex(contractHash).slice(0, 16)),
  status: path.join(state, "status.json"),
  runs: path.join(state, "runs"),
  output: path.join(state, "output"),
});

interface CellFacts extends PolicyFacts {
  readonly member: Member;
  readonly isUsed: boolean;
  readonly isWithdrawn: boolean;
}

export const cellSettings = (
  {
    identity,
    state,
    data,
    evaluation,
    model,
    trainer,
    backend,
    precision,
    activations,
    keepEverySeconds,
    engine,
    threads,
    policy,
  }: SiteConfig,
  job: Job,
  { member, isUsed, isWithdrawn, verifiedMembers, isProviderVerified }: CellFacts,
): CellSettings => ({
  identity,
  state: siteFolder(state, job).cell,
  member: member.id,
  isUsed,
  isWithdrawn,
  verifiedMembers,
  isProviderVerified,
  data,
  ...(evaluation && { evaluation }),
  ...(model?.folder !== undefined && { modelFolder: model.folder }),
  ...(model?.file !== undefined && { modelFile: model.file }),
  ...(trainer && { trainerModule: trainer.module }),
  backend,
  precision,
  activationBytes: {
    memory: activations.memoryMegabytes * 2 ** 20,
    disk: activations.diskMegabytes * 2 ** 20,
  },
  keepEveryMs: Math.round(1000 * keepEverySeconds),
  ringEngine: engine,
  ...(threads !== undefined && { ringThreads: threads }),
  policy,
});

const LONGEST_PEM = 1 << 20;

/** Reads the company's roots. Throws an {@link InputError} that names their file where they are none. */
export const gatewaySettings = async (
  { state, network, policy }: SiteConfig,
  job: Job,
  member: Member,
): Promise<GatewaySettings> => {
  const { address, proxy, roots, reachMs } = network;
  return {
    state: siteFolder(state, job).gateway,
    member: member.id,
    ...(address !== undefined && { address }),
    proxy,
    ...(roots !== undefined && { extraRoots: await readRoots(roots) }),
    reachMs,
    policy,
  };
};

const readRoots = async (file: string): Promise<string> => {
  // PEM is ASCII; what is not shows as no certificate.
  const pem = Buffer.from(await readFileBounded(file, LONGEST_PEM)).toString("latin1");
  trustedRoots(pem, file);
  return pem;
};
