/** Sets up a federation as people would: every step is a command of the product, in folders of its own. */
import { type Json, Secret, utf8 } from "@bulkhead/base";
import { createIdentity, sealIdentity } from "@bulkhead/crypto";
import fs from "node:fs";
import path from "node:path";
import { Program, type ProgramName } from "./program.ts";

export interface SitePlan {
  readonly name: string;
  /** Keys of `site.yaml` beside identity and state; relative paths are relative to the site's folder. */
  readonly config: { readonly [key: string]: Json };
}

export interface FederationPlan {
  readonly folder: string;
  readonly sites: readonly SitePlan[];
  /** Keys of `job.yaml` beside members and address. */
  readonly job: { readonly [key: string]: Json };
  readonly coordinator?: { readonly [key: string]: Json };
  readonly port: number;
  /**
   * Its identities open in no time. They protect nothing, and a scenario that starts hundreds of processes would
   * spend most of its time on their passphrases.
   */
  readonly quickIdentities?: true;
}

export interface Federation {
  readonly folder: string;
  readonly port: number;
  readonly sites: readonly string[];
  /** The gathered contract. */
  readonly contract: string;
  /** The canonical bytes of the model with which round 1 starts. */
  readonly initialModel: string;
}

/** Runs one command to its end; throws unless it ended with the code that is wanted. */
export const command = async (
  program: ProgramName,
  args: readonly string[],
  log: string,
  code = 0,
): Promise<readonly string[]> => {
  const run = new Program({ program, args, log });
  const ended = await run.ended;
  if (ended.code !== code)
    throw new Error(
      `${program} ${args.slice(0, 2).join(" ")} ended with ${ended.code}: ${run.lines.slice(-3).join(" | ")}`,
    );
  return run.lines;
};

export const coordinatorFolder = (federation: { readonly folder: string }): string =>
  path.join(federation.folder, "provider");
export const siteFolder = (federation: { readonly folder: string }, site: string): string =>
  path.join(federation.folder, "sites", site);
const passphrase = (folder: string): string => path.join(folder, "passphrase.txt");

/** Identities, draft, every signature, gathering: to the point where both sides can be started. */
export const setUpFederation = async (plan: FederationPlan): Promise<Federation> => {
  const log = path.join(plan.folder, "setup.log");
  await init("bulkhead-coordinator", coordinatorFolder(plan), "provider", log);
  if (plan.quickIdentities) replaceIdentity(coordinatorFolder(plan), "provider");
  writeConfig(path.join(coordinatorFolder(plan), "coordinator.yaml"), {
    identity: "identity.key",
    state: "state",
    listen: { host: "127.0.0.1", port: plan.port },
    ...plan.coordinator,
  });
  await Promise.all(plan.sites.map((site) => setUpSite(plan, site, log)));
  const contract = await agreeOnContract(plan, log);
  return {
    folder: plan.folder,
    port: plan.port,
    sites: plan.sites.map(({ name }) => name),
    contract,
    initialModel: path.join(plan.folder, "contract", "initial.safetensors"),
  };
};

const words = (name: string): string => `correct horse ${name}`;

const init = async (program: ProgramName, folder: string, name: string, log: string): Promise<void> => {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(passphrase(folder), `${words(name)}\n`, { mode: 0o600 });
  await command(
    program,
    ["init", "--folder", folder, "--name", name, "--passphrase-file", passphrase(folder)],
    log,
  );
};

const replaceIdentity = (folder: string, name: string): void => {
  const cost = { logN: 10, r: 1, p: 1 };
  const sealed = sealIdentity(createIdentity(name), new Secret(utf8(words(name))), cost);
  fs.writeFileSync(path.join(folder, "identity.key"), sealed);
};

const setUpSite = async (plan: FederationPlan, { name, config }: SitePlan, log: string): Promise<void> => {
  const folder = siteFolder(plan, name);
  await init("bulkhead-client", folder, name, log);
  if (plan.quickIdentities) replaceIdentity(folder, name);
  const file = path.join(folder, "site.yaml");
  writeConfig(file, { identity: "identity.key", state: "state", ...config });
  await command(
    "bulkhead-client",
    ["identity", "export", "--config", file, "--out", path.join(folder, `${name}.identity.json`)],
    log,
  );
};

/** JSON is YAML. */
const writeConfig = (file: string, config: { readonly [key: string]: Json }): void =>
  fs.writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`);

const agreeOnContract = async (plan: FederationPlan, log: string): Promise<string> => {
  const folder = path.join(plan.folder, "contract");
  fs.mkdirSync(folder);
  const job = path.join(folder, "job.yaml");
  writeConfig(job, {
    ...plan.job,
    provider: { address: `ws://127.0.0.1:${plan.port}` },
    members: plan.sites.map(({ name }) => path.join(siteFolder(plan, name), `${name}.identity.json`)),
  });
  const config = path.join(coordinatorFolder(plan), "coordinator.yaml");
  const draft = path.join(folder, "contract.json");
  const withSecret = ["--passphrase-file", passphrase(coordinatorFolder(plan))];
  await command(
    "bulkhead-coordinator",
    ["contract", "draft", "--config", config, "--job", job, "--out", folder, ...withSecret],
    log,
  );
  const signatures = await Promise.all(plan.sites.map(({ name }) => signAtSite(plan, name, log)));
  const own = path.join(folder, "provider.signature.json");
  await command(
    "bulkhead-coordinator",
    ["contract", "sign", draft, "--config", config, "--out", own, ...withSecret],
    log,
  );
  const signed = path.join(folder, "signed-contract.json");
  await command(
    "bulkhead-coordinator",
    ["contract", "gather", draft, own, ...signatures, "--out", signed],
    log,
  );
  return signed;
};

const signAtSite = async (plan: FederationPlan, name: string, log: string): Promise<string> => {
  const folder = siteFolder(plan, name);
  const out = path.join(folder, `${name}.signature.json`);
  const draft = path.join(plan.folder, "contract", "contract.json");
  const config = path.join(folder, "site.yaml");
  await command("bulkhead-client", ["contract", "review", draft, "--config", config], log);
  await command(
    "bulkhead-client",
    ["contract", "sign", draft, "--config", config, "--out", out, "--passphrase-file", passphrase(folder)],
    log,
  );
  return out;
};

/**
 * A federation of its own in `home`, as this one stands now: a copy of all its folders. With a port of its own it can
 * run beside the other; relative paths in the configs stay what they were.
 */
export const copyFederation = (federation: Federation, home: string, port = federation.port): Federation => {
  fs.cpSync(federation.folder, home, { recursive: true });
  const moved = (file: string) => path.join(home, path.relative(federation.folder, file));
  const copy = {
    ...federation,
    folder: home,
    port,
    contract: moved(federation.contract),
    initialModel: moved(federation.initialModel),
  };
  if (port !== federation.port) usePort(copy);
  return copy;
};

/** The contract still names the first port: sites are told another address, as where a company has its own way out. */
const usePort = (federation: Federation): void => {
  const { port } = federation;
  changeConfig(path.join(coordinatorFolder(federation), "coordinator.yaml"), {
    listen: { host: "127.0.0.1", port },
  });
  for (const site of federation.sites)
    changeConfig(path.join(siteFolder(federation, site), "site.yaml"), {
      network: { address: `ws://127.0.0.1:${port}` },
    });
};

const changeConfig = (file: string, changed: { readonly [key: string]: Json }): void => {
  const config: unknown = JSON.parse(fs.readFileSync(file, "utf8"));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this module
  writeConfig(file, { ...(config as { readonly [key: string]: Json }), ...changed });
};

export interface Start {
  readonly nodeOptions?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export const startCoordinator = (federation: Federation, start: Start = {}): Program =>
  new Program({
    program: "bulkhead-coordinator",
    args: ["start", ...coordinatorOptions(federation), "--json"],
    log: path.join(coordinatorFolder(federation), "start.log"),
    ...start,
  });

/** The product's coordinator with one thing altered; `wire` gets a line for every frame. */
export const startCheatingCoordinator = (federation: Federation, attack: string, wire: string): Program =>
  new Program({
    program: "cheating-coordinator",
    args: ["--attack", attack, ...coordinatorOptions(federation), "--wire", wire],
    log: path.join(coordinatorFolder(federation), "start.log"),
  });

const coordinatorOptions = (federation: Federation): readonly string[] => {
  const folder = coordinatorFolder(federation);
  const config = ["--config", path.join(folder, "coordinator.yaml"), "--contract", federation.contract];
  return [...config, "--passphrase-file", passphrase(folder)];
};

export const startSite = (federation: Federation, site: string, start: Start = {}): Program => {
  const folder = siteFolder(federation, site);
  const args = ["run", "--config", path.join(folder, "site.yaml"), "--contract", federation.contract];
  return new Program({
    program: "bulkhead-client",
    args: [...args, "--passphrase-file", passphrase(folder), "--json"],
    log: path.join(folder, "run.log"),
    ...start,
  });
};
