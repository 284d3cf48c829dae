/** `site.yaml`: one shape with its defaults; relative paths are relative to the file. */
import path from "node:path";
import { type LoadedConfig, loadConfig, LOG_LEVELS, renderConfigTemplate, z } from "@bulkhead/console";
import { RING_ENGINE_CHOICES } from "@bulkhead/compute";
import { dataSchema, dataSettings } from "./config-data.ts";
import { policySchema } from "./config-policy.ts";
import { policyShape, type SitePolicy } from "./policy.ts";
import type { DataSettings } from "./settings.ts";

const file = z.string().min(1).max(4096);

const siteSchema = z.strictObject({
  identity: file.describe("The site's sealed identity, as `init` has written it."),
  state: file.describe(
    "The folder of journals, kept updates, models, egress logs and verified peers. Back it up, never roll it back; one process uses it.",
  ),
  data: dataSchema.describe("The rows to train on. They never leave this site."),
  evaluation: dataSchema
    .optional()
    .describe(
      "Rows of the site's own on which each new model is judged, for the site alone: neither they nor the figures leave.",
    ),
  model: z
    .strictObject({
      folder: file.optional().describe("The base model in Hugging Face layout."),
      file: file.optional().describe("Or one GGUF file, for a language model."),
    })
    .refine(
      ({ folder, file: one }) => (folder === undefined) !== (one === undefined),
      "either folder or file",
    )
    .optional()
    .describe("The frozen base model that a contract names by its digest; not for module tasks."),
  trainer: z
    .strictObject({
      module: file.describe("A JavaScript module whose default export makes the trainer. It sees the rows."),
    })
    .optional()
    .describe("The site's own trainer, only for contracts whose task is a module."),
  backend: z
    .enum(["auto", "tensorflow", "webgpu", "wasm", "cpu"])
    .default("auto")
    .describe("The TensorFlow.js backend to train on; auto takes the fastest that works here."),
  precision: z
    .enum(["f32", "bf16"])
    .default("f32")
    .describe(
      "bf16 takes matrix products in 16 bits: faster where the processor can (Linux, AMX or AVX-512 BF16; refused elsewhere) and the backend is tensorflow. Updates then differ by machine.",
    ),
  activations: z
    .strictObject({
      memoryMegabytes: z.number().int().min(0).default(512).describe("In memory."),
      diskMegabytes: z
        .number()
        .int()
        .min(0)
        .default(4096)
        .describe(
          "Beyond that, of a language model, in the state folder: a file without a name, gone when the process is.",
        ),
    })
    .prefault({})
    .describe(
      "How much of what frozen layers give for the rows is kept between steps; the rest is computed again.",
    ),
  keepEverySeconds: z
    .number()
    .min(0)
    .max(86_400)
    .default(20)
    .describe("How often the state of a long round is kept, sealed, for a run that goes on after a crash."),
  policy: policySchema
    .prefault({})
    .describe(
      "What this site allows, whatever contract it has signed: it only narrows a contract. docs/policy.md has every clause with its code.",
    ),
  network: z
    .strictObject({
      address: z
        .string()
        .regex(/^wss?:\/\/[\x21-\x7e]{1,190}$/u, "an address that begins with ws:// or wss://")
        .optional()
        .describe("Where the coordinator is from here, in place of the contract's address."),
      proxy: z
        .string()
        .refine(isProxy, "expected environment, none, or the URL of a proxy without user and password")
        .default("environment")
        .describe(
          "environment (HTTPS_PROXY, HTTP_PROXY and NO_PROXY), none, or a proxy's URL. A password belongs into the environment.",
        ),
      roots: file
        .optional()
        .describe("PEM certificates of the company's own roots, trusted besides the usual ones."),
      reachMs: z
        .number()
        .int()
        .min(0)
        .max(86_400_000)
        .default(60_000)
        .describe("How long to try before the coordinator counts as unreachable (exit code 4)."),
    })
    .prefault({})
    .describe("The way to the coordinator. This side only dials out."),
  wall: z
    .strictObject({
      require: z
        .enum(["none", "namespaces"])
        .default("none")
        .describe(
          "namespaces refuses to run unless bubblewrap can part the process with the rows from the network.",
        ),
    })
    .prefault({})
    .describe("How far the process with the rows has to be confined."),
  engine: z
    .enum(RING_ENGINE_CHOICES)
    .default("auto")
    .describe(
      "The ring engine, which masks updates: auto takes the fastest that works here; doctor lists them.",
    ),
  threads: z
    .number()
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe("Threads that mask updates; by default one less than there are cores, at most 4."),
  log: z
    .strictObject({
      level: z.enum(LOG_LEVELS).default("info").describe("What is quieter than this is not logged."),
    })
    .prefault({})
    .describe("The log goes to stderr, one line an event; with --json as JSON."),
});

/** A function declaration: the schema above needs it at once. */
function isProxy(value: string): boolean {
  if (value === "environment" || value === "none") return true;
  if (!URL.canParse(value) || value.length > 200) return false;
  const { protocol, username, password } = new URL(value);
  return ["http:", "https:"].includes(protocol) && username === "" && password === "";
}

type Written = z.output<typeof siteSchema>;

/** As it is in force: with its defaults, every path absolute, data and policy as the cell takes them. */
export interface SiteConfig extends Omit<Written, "data" | "evaluation" | "policy"> {
  readonly data: DataSettings;
  readonly evaluation?: DataSettings | undefined;
  readonly policy: SitePolicy;
}

/** Throws an {@link InputError} that names file, line, column and key. */
export const loadSiteConfig = async (configFile: string): Promise<LoadedConfig<SiteConfig>> => {
  const loaded = await loadConfig(configFile, siteSchema);
  return { ...loaded, config: inForce(loaded.config, path.resolve(path.dirname(configFile))) };
};

const inForce = (written: Written, folder: string): SiteConfig => {
  const at = (relative: string) => path.resolve(folder, relative);
  const { model, trainer, network, evaluation } = written;
  return {
    ...written,
    identity: at(written.identity),
    state: at(written.state),
    data: dataSettings(written.data, folder),
    evaluation: evaluation && dataSettings(evaluation, folder),
    model: model && {
      ...(model.folder !== undefined && { folder: at(model.folder) }),
      ...(model.file !== undefined && { file: at(model.file) }),
    },
    trainer: trainer && { module: at(trainer.module) },
    policy: policyShape(written.policy),
    network: { ...network, roots: network.roots === undefined ? undefined : at(network.roots) },
  };
};

/** What `init` knows; paths as they are to stand in the file. */
export interface SiteValues {
  readonly identity: string;
  readonly state: string;
  readonly data?: {
    readonly type: DataSettings["type"];
    readonly paths: readonly string[];
    readonly delimiter?: string;
    readonly columns?: Readonly<Record<string, string>>;
  };
  readonly model?: { readonly folder: string };
}

/** A file to edit: every key with its meaning. */
export const siteConfigTemplate = (values: SiteValues): string =>
  renderConfigTemplate(siteSchema, {
    title: "A site of a federation: the enterprise's side.",
    values: { ...values },
  });
