/**
 * All that may pass between the three processes of a client, on one page. Cell and gateway each have a pipe to the
 * supervisor, which forwards whole messages between them and reads nothing of what it forwards.
 *
 * | from | to | what |
 * |---|---|---|
 * | supervisor | cell | start, passphrase, stop |
 * | supervisor | gateway | start |
 * | cell | gateway | certificate, begin, frame, close |
 * | gateway | cell | gateway-key, link, frame, refused, over |
 * | cell, gateway | supervisor | news |
 *
 * Outward go protocol bytes, closed codes and numbers; no free text. `news` stays on this machine.
 */
import {
  type Canonical,
  decodeCanonical,
  encodeCanonical,
  rawBytes,
  Secret,
  ShapeError,
  struct,
  u32,
  u32ToBytes,
  u8,
  varBytes,
} from "@bulkhead/base";
import { LONGEST_FRAME } from "@bulkhead/protocol";

/** A gathered contract with 256 signatures and the settings beside it are the longest. */
export const LONGEST_PIPE_MESSAGE = 4 << 20;

/** Of a link: its first moment in a new session, a loss, and the same session going on where it stood. */
const LINK_STATES = ["fresh", "lost", "restored"] as const;
export type LinkState = (typeof LINK_STATES)[number];

/** Why the gateway did not send a frame: its second check of the site's policy. Nothing was sent. */
const EGRESS_REFUSALS = ["bytes", "rounds", "attempts", "frame"] as const;
export type EgressRefusal = (typeof EGRESS_REFUSALS)[number];

/** Why there will be no link any more. */
const OVER_CODES = ["unreachable", "not-let-in", "replaced", "failed"] as const;
export type OverCode = (typeof OVER_CODES)[number];

const codeOf = <C extends string>(codes: readonly C[]): Canonical<C> => ({
  write: (code) => u8.write(codes.indexOf(code)),
  read: (from) => {
    const code = codes[u8.read(from)];
    if (code === undefined) throw new ShapeError("code", `one of ${codes.length} codes`);
    return code;
  },
});

const flag: Canonical<boolean> = {
  write: (value) => u8.write(value ? 1 : 0),
  read: (from) => u8.read(from) === 1,
};

const BODIES = {
  /** Canonical JSON of the process's settings, and the gathered contract. */
  start: struct({ settings: varBytes(LONGEST_PIPE_MESSAGE), contract: varBytes(LONGEST_PIPE_MESSAGE) }),
  passphrase: struct({ bytes: varBytes(4096) }),
  stop: struct({ withdraws: flag }),
  certificate: struct({ bytes: varBytes(4096) }),
  /** The cell knows of the new session: what comes from here on belongs to it. */
  begin: struct({ epoch: u32 }),
  /** One frame of the protocol, as it goes over the wire. */
  frame: struct({ bytes: varBytes(LONGEST_FRAME) }),
  /** Send what is still on its way, then end the session. */
  close: struct({}),
  "gateway-key": struct({ bytes: rawBytes(32) }),
  /** `epoch` counts sessions; what the cell sent under an earlier one is gone. */
  link: struct({ state: codeOf(LINK_STATES), epoch: u32 }),
  refused: struct({ code: codeOf(EGRESS_REFUSALS) }),
  over: struct({ code: codeOf(OVER_CODES) }),
  /** Canonical JSON, for status and progress on this machine. */
  news: struct({ json: varBytes(1 << 16) }),
} as const;

type Bodies = typeof BODIES;
export type PipeType = keyof Bodies;
type BodyOf<C> = C extends Canonical<infer T> ? T : never;
export type PipeMessage = {
  readonly [T in PipeType]: { readonly type: T } & BodyOf<Bodies[T]>;
}[PipeType];
export type PipeMessageOf<T extends PipeType> = Extract<PipeMessage, { readonly type: T }>;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of this very table
const TYPES = Object.keys(BODIES) as PipeType[];

export type Destination = "cell" | "gateway" | "supervisor";

/** Who may say what, and who hears it; anything else is the end of the process that said it. */
export const ROUTES = {
  cell: {
    certificate: "gateway",
    begin: "gateway",
    frame: "gateway",
    close: "gateway",
    news: "supervisor",
  },
  gateway: {
    "gateway-key": "cell",
    link: "cell",
    frame: "cell",
    refused: "cell",
    over: "cell",
    news: "supervisor",
  },
} as const satisfies Readonly<Record<"cell" | "gateway", Readonly<Partial<Record<PipeType, Destination>>>>>;

export const encodePipeMessage = (message: PipeMessage): Uint8Array => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `type` picks the body's codec
  const codec = BODIES[message.type] as unknown as Canonical<PipeMessage>;
  const body = encodeCanonical(codec, message);
  const bytes = new Uint8Array(1 + body.length);
  bytes[0] = TYPES.indexOf(message.type);
  bytes.set(body, 1);
  return bytes;
};

/** Of encoded bytes, without decoding them; `undefined` for a type that does not exist. */
export const pipeTypeOf = (bytes: Uint8Array): PipeType | undefined => TYPES[bytes[0] ?? TYPES.length];

/** Throws a {@link ShapeError} on anything but an encoded message. */
export const decodePipeMessage = (bytes: Uint8Array): PipeMessage => {
  const type = pipeTypeOf(bytes);
  if (type === undefined) throw new ShapeError("type", "a message of the pipe");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `type` picks the body's codec
  const codec = BODIES[type] as unknown as Canonical<object>;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same
  return { type, ...decodeCanonical(codec, bytes.subarray(1)) } as PipeMessage;
};

/** The `passphrase` message, as {@link encodePipeMessage} gives it, in one piece of memory that its sender can wipe. */
export const passphraseMessage = (passphrase: Secret): Secret => {
  const bytes = new Uint8Array(1 + 4 + passphrase.length);
  bytes[0] = TYPES.indexOf("passphrase");
  bytes.set(u32ToBytes(passphrase.length), 1);
  bytes.set(passphrase.reveal(), 5);
  return new Secret(bytes);
};
