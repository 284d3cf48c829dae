/** `coordinator.yaml`: one shape with its defaults; relative paths are relative to the file. */
import path from "node:path";
import { type LoadedConfig, loadConfig, LOG_LEVELS, renderConfigTemplate, z } from "@bulkhead/console";
import { RING_ENGINE_CHOICES } from "@bulkhead/compute";
import { LISTEN_LIMITS } from "@bulkhead/transport";

const milliseconds = (most: number) => z.number().int().min(0).max(most);
const count = z.number().int().min(1).max(1_000_000);

const configSchema = z.strictObject({
  identity: z.string().min(1).describe("The provider's sealed identity, as `init` has written it."),
  state: z
    .string()
    .min(1)
    .describe(
      "The folder of journals, uploads on their way, models and reports. Back it up; one process uses it.",
    ),
  listen: z
    .strictObject({
      host: z.string().min(1).default("0.0.0.0").describe("The address to listen on."),
      port: z
        .number()
        .int()
        .min(0)
        .max(65_535)
        .default(7443)
        .describe("The port to listen on; 0 takes a free one, which is logged and stands in status.json."),
      tls: z
        .strictObject({
          certificate: z.string().min(1).describe("The certificate chain, PEM."),
          key: z.string().min(1).describe("Its key, PEM, without a passphrase."),
        })
        .optional()
        .describe(
          "For wss://, where no proxy in front does it. Members check the provider's identity either way: TLS adds to that.",
        ),
    })
    .prefault({})
    .describe("Where members reach the coordinator; the contract names the address as they see it."),
  trustProxy: z
    .boolean()
    .default(false)
    .describe("Whether X-Forwarded-For is the word of a reverse proxy of yours: limits then count by it."),
  startWaitMs: milliseconds(86_400_000)
    .default(60_000)
    .describe(
      "How long to wait for all members after a start; then for as many as the contract needs, without end.",
    ),
  limits: z
    .strictObject({
      connections: count.default(LISTEN_LIMITS.connections).describe("Open at once."),
      connectionsPerAddress: count
        .default(LISTEN_LIMITS.connectionsPerAddress)
        .describe("Of one address; members behind one firewall share theirs."),
      handshakeMs: milliseconds(600_000)
        .default(LISTEN_LIMITS.handshakeMs)
        .describe("For a stranger to prove that it is a member."),
      outboxBytes: z
        .number()
        .int()
        .min(1 << 22)
        .max(2 ** 31)
        .default(1 << 24)
        .describe("What may wait for a member that does not read; beyond it its link is closed."),
    })
    .prefault({})
    .describe("Bounds on what others can make this process do."),
  engine: z
    .enum(RING_ENGINE_CHOICES)
    .default("auto")
    .describe(
      "The ring engine, which adds up uploads and takes off masks: auto takes the fastest that works here; doctor lists them.",
    ),
  threads: z
    .number()
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe(
      "Threads that add up uploads and take off masks; by default one less than there are cores, at most 4.",
    ),
  log: z
    .strictObject({
      level: z.enum(LOG_LEVELS).default("info").describe("What is quieter than this is not logged."),
    })
    .prefault({})
    .describe("The log goes to stderr, one line an event; with --json as JSON."),
});

export type CoordinatorConfig = z.output<typeof configSchema>;

/** With absolute paths. Throws an {@link InputError} that names file, line, column and key. */
export const loadCoordinatorConfig = async (file: string): Promise<LoadedConfig<CoordinatorConfig>> => {
  const loaded = await loadConfig(file, configSchema);
  const { config } = loaded;
  const at = (relative: string) => path.resolve(path.dirname(file), relative);
  const { tls, ...listen } = config.listen;
  return {
    ...loaded,
    config: {
      ...config,
      identity: at(config.identity),
      state: at(config.state),
      listen:
        tls === undefined
          ? listen
          : { ...listen, tls: { certificate: at(tls.certificate), key: at(tls.key) } },
    },
  };
};

export const coordinatorConfigTemplate = (): string =>
  renderConfigTemplate(configSchema, {
    title: "The coordinator of a federation: the model provider's side.",
    values: { identity: "identity.key", state: "state" },
  });
