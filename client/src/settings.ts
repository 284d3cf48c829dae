/**
 * What the supervisor tells cell and gateway at their start, as canonical JSON in the pipe's `start`. Paths are
 * absolute; nothing here is secret: the passphrase comes apart from it.
 */
import {
  boolean,
  canonicalJson,
  finite,
  integer,
  listOf,
  oneOf,
  optional,
  parseCanonicalJson,
  record,
  shape,
  text,
  type TypeOf,
  variant,
} from "@bulkhead/base";
import { RING_ENGINE_CHOICES } from "@bulkhead/compute";
import { memberId } from "@bulkhead/secagg";
import { policyShape } from "./policy.ts";

const path = text(4096);
const count = integer(0, Number.MAX_SAFE_INTEGER);
const word = text(200);

/** From the names that a contract's task knows columns by to the site's own; names that are absent are the site's own too. */
const columns = shape(
  "an object of column names",
  (value): value is Readonly<Record<string, string>> =>
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).length <= 100 &&
    Object.entries(value).every(
      ([name, column]) => name.length <= 200 && typeof column === "string" && column.length <= 200,
    ),
);

const badRowLimit = variant({ count: { count }, share: { share: finite(0, 1) } });

/** Where a site's rows are and which of their fields count; the connector of that type reads them. */
const dataSettings = {
  paths: listOf(path, 1000, 1),
  columns,
  /** In the order of their numbers; absent where labels are the numbers themselves. */
  labels: optional(listOf(word, 10_000, 2)),
  longestText: integer(1, 1 << 24),
  badRowLimit,
  delimiter: optional(text(1)),
  /** Empty where fields are never quoted. */
  quote: optional(text(1)),
  header: optional(listOf(word, 10_000, 1)),
};

export const dataShape = variant({ jsonl: dataSettings, csv: dataSettings });
export type DataSettings = TypeOf<typeof dataShape>;

const cellShape = record({
  identity: path,
  /** The one folder in which the cell may write. */
  state: path,
  member: memberId,
  /** Whether this identity has taken part under this contract before: then a journal must be there. */
  isUsed: boolean,
  /** The site has withdrawn: only the leave is sent. */
  isWithdrawn: boolean,
  /** Numbers of the members whose safety numbers a person has compared, this site's own included. */
  verifiedMembers: listOf(memberId, 255),
  isProviderVerified: boolean,
  data: dataShape,
  /** The site's own hidden rows, on which each new model is judged for the site alone. */
  evaluation: optional(dataShape),
  /** The base model's folder; of a language model it may be one GGUF file instead. */
  modelFolder: optional(path),
  modelFile: optional(path),
  /** Of a contract whose task is a module: the trainer's file. */
  trainerModule: optional(path),
  backend: oneOf("auto", "tensorflow", "webgpu", "wasm", "cpu"),
  precision: oneOf("f32", "bf16"),
  /** Bounds on what frozen layers give for the rows and is kept, in bytes: in memory, and in the cell's folder. */
  activationBytes: record({ memory: count, disk: count }),
  /** How often the state of a long round is kept. */
  keepEveryMs: count,
  ringEngine: oneOf(...RING_ENGINE_CHOICES),
  /** Threads of the ring engine. */
  ringThreads: optional(integer(1, 64)),
  policy: policyShape,
});
export type CellSettings = TypeOf<typeof cellShape>;

const gatewayShape = record({
  /** The egress log's folder, the one in which the gateway may write. */
  state: path,
  member: memberId,
  /** In place of the contract's address. */
  address: optional(word),
  /** `environment`: HTTPS_PROXY and NO_PROXY, which stand in `proxyEnvironment`; `none`; or the proxy's URL. */
  proxy: word,
  /** PEM of a company's own root certificates. */
  extraRoots: optional(text(1 << 20)),
  /** How long to try before the coordinator counts as unreachable; afterwards the contract's `resumeMs` holds. */
  reachMs: count,
  policy: policyShape,
});
export type GatewaySettings = TypeOf<typeof gatewayShape>;

export const encodeSettings = (settings: CellSettings | GatewaySettings): Uint8Array =>
  canonicalJson(settings);
/** Both throw a `ShapeError`. */
export const decodeCellSettings = (bytes: Uint8Array): CellSettings => cellShape(parseCanonicalJson(bytes));
export const decodeGatewaySettings = (bytes: Uint8Array): GatewaySettings =>
  gatewayShape(parseCanonicalJson(bytes));
