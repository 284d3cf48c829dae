/** What each of the two processes may see: an allow-list, from the config. All else does not exist for it. */
import fs from "node:fs";
import path from "node:path";
import { InputError } from "@bulkhead/base";
import type { CellSettings, GatewaySettings } from "../../settings.ts";

export interface View {
  /** Files and folders that may be read. */
  readonly read: readonly string[];
  /** The one folder that may be written. */
  readonly write: string;
  /** Folders that stay empty even inside one of `read`. */
  readonly hidden: readonly string[];
  readonly network: boolean;
  readonly environment: NodeJS.ProcessEnv;
}

/** Rows, base model, trainer and identity, its own folder, and no network. */
export const cellView = (settings: CellSettings, state: string, env: NodeJS.ProcessEnv): View => {
  const { identity, data, evaluation, modelFolder, modelFile, trainerModule } = settings;
  const rows = [...data.paths, ...(evaluation?.paths ?? [])].map((pattern) =>
    narrow(pattern, rowsPath(pattern)),
  );
  const model = [modelFolder, modelFile]
    .filter((place) => place !== undefined)
    .map((place) => narrow(place, existing(place, "config-model", "base model")));
  const trainer =
    trainerModule === undefined
      ? []
      : [narrow(trainerModule, path.dirname(existing(trainerModule, "config-trainer", "trainer's module")))];
  const named = [...rows, ...model, ...trainer, existing(identity, "identity-missing", "identity's file")];
  return {
    read: [...named, ...named.flatMap(linkTargets)],
    write: settings.state,
    hidden: [state],
    network: false,
    environment: chosen(env, CELL_VARIABLES),
  };
};

/** The network, what names and certificates need, and the egress log's folder. */
export const gatewayView = (settings: GatewaySettings, state: string, env: NodeJS.ProcessEnv): View => {
  const roots = env["NODE_EXTRA_CA_CERTS"];
  return {
    read: [...NETWORK_FILES, ...(roots === undefined ? [] : [path.resolve(roots)])].filter((file) =>
      fs.existsSync(file),
    ),
    write: settings.state,
    hidden: [state, ...PRIVATE_FOLDERS.filter((folder) => fs.existsSync(folder))],
    network: true,
    environment: chosen(env, GATEWAY_VARIABLES),
  };
};

const existing = (file: string, code: string, what: string): string => {
  if (fs.existsSync(file)) return file;
  throw new InputError({
    code,
    place: file,
    problem: `the ${what} is missing`,
    cure: "check the path in the config",
  });
};

const GLOB_CHARACTER = /[()[\]{}!*?+@|]/u;

/** Of a glob, the folder under which all that it can match lies. */
const rowsPath = (pattern: string): string => {
  if (fs.existsSync(pattern)) return pattern;
  const parts = pattern.split(/(?<!\\)\//u);
  const special = parts.findIndex((part) => GLOB_CHARACTER.test(part.replaceAll(/\\./gu, "")));
  const plain = (special < 0 ? parts : parts.slice(0, special)).join("/").replaceAll(/\\(.)/gu, "$1");
  const problem = special < 0 ? "there is no such file" : "there is no folder for this pattern";
  if (fs.existsSync(plain === "" ? "/" : plain)) return plain === "" ? "/" : plain;
  throw new InputError({
    code: "data-missing",
    place: pattern,
    problem,
    cure: "check the path in the config",
  });
};

/** They hold other processes' memory, devices, and the sockets of the machine's services. */
const SYSTEM = ["/proc", "/sys", "/dev"];
const SYSTEM_ABOVE = new Set(["/", "/run"]);

/** What is named may lie on a volume below `/run`, but nowhere in those of the system itself; links are followed. */
const narrow = (place: string, folder: string): string => {
  const real = fs.realpathSync(folder);
  if (!SYSTEM_ABOVE.has(real) && !SYSTEM.some((own) => isInside(real, own))) return folder;
  throw new InputError({
    code: "data-too-wide",
    place,
    problem: `the site's cell would see ${real === "/" ? "the whole file system" : `${real} of the system`}`,
    cure: "name a folder with nothing in it but what the site needs, and no link to more",
  });
};

/**
 * A folder of links (a cache of models is one) is of no use without what they point to. Devices, pipes and the sockets
 * of services are left out.
 */
const linkTargets = (folder: string): readonly string[] => {
  if (!fs.statSync(folder).isDirectory()) return [];
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map(({ name }) => path.join(folder, name))
    .filter(isFileOrFolder)
    .map((link) => narrow(link, fs.realpathSync(link)))
    .filter((target) => !isInside(target, folder));
};

const isFileOrFolder = (link: string): boolean => {
  const stats = fs.statSync(link, { throwIfNoEntry: false });
  return stats !== undefined && (stats.isFile() || stats.isDirectory());
};

export const isInside = (file: string, folder: string): boolean => {
  const relative = path.relative(folder, file);
  return relative === "" || !(relative.startsWith("..") || path.isAbsolute(relative));
};

const NETWORK_FILES = [
  "/etc/resolv.conf",
  "/etc/hosts",
  "/etc/host.conf",
  "/etc/nsswitch.conf",
  "/etc/gai.conf",
  "/etc/services",
  "/etc/ssl",
  "/etc/pki",
  "/etc/ca-certificates",
  "/usr/share/ca-certificates",
];

/** Keys of other servers of this machine, which root could read. */
const PRIVATE_FOLDERS = ["/etc/ssl/private", "/etc/pki/tls/private"];

const COMMON_VARIABLES = /^(?:LANG|LC_\w+|TZ|LD_LIBRARY_PATH|UV_THREADPOOL_SIZE|BULKHEAD_DEBUG)$/u;
const CELL_VARIABLES = /^(?:TF|TFJS|OMP|KMP|MKL|CUDA)_\w+$/u;
const GATEWAY_VARIABLES = /^(?:https?_proxy|all_proxy|no_proxy|node_extra_ca_certs|ssl_cert_(?:file|dir))$/iu;

const chosen = (env: NodeJS.ProcessEnv, own: RegExp): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => COMMON_VARIABLES.test(name) || own.test(name)));
