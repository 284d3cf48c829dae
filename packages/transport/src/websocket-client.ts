/** Dials a coordinator's WebSocket, through a forward proxy and with a company's own root certificates where need be. */
import type { IncomingMessage } from "node:http";
import { InputError } from "@bulkhead/base";
import { WebSocket } from "ws";
import { networkProblem, proxyProblem, statusProblem, type DialPlace } from "./dial-problem.ts";
import type { Link } from "./link.ts";
import { proxyAgent, proxyFor, type ProxyChoice } from "./proxy.ts";
import { trustedRoots } from "./trusted-roots.ts";
import { SUBPROTOCOL, WEBSOCKET_DEFAULTS, WEBSOCKET_SETTINGS, WebSocketLink } from "./websocket-link.ts";

export interface DialOptions {
  /** `wss://host:port`, or `ws://` where what stands before the coordinator speaks TLS, or nothing does. */
  readonly url: string;
  readonly proxy?: ProxyChoice;
  /** PEM certificates to trust beside Node's own. */
  readonly extraRoots?: string;
  /** For proxy, TLS and WebSocket together. */
  readonly handshakeTimeoutMs?: number;
  readonly maxFrameBytes?: number;
  readonly highWaterBytes?: number;
  readonly pingEveryMs?: number;
  readonly idleAfterMs?: number;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Throws an `InputError` that says why there is no link; `isWorthRetrying` tells which of them time may heal. */
export const dialWebSocket = async (options: DialOptions): Promise<Link> => {
  const url = parseAddress(options.url);
  const at: DialPlace = { url, proxy: proxyFor(url, options.proxy ?? "environment") };
  const roots = options.extraRoots === undefined ? undefined : trustedRoots(options.extraRoots);
  const tunnel: Tunnel = { status: undefined };
  const agent = at.proxy && proxyAgent(at.proxy, roots, (status) => (tunnel.status = status));
  const socket = new WebSocket(url, SUBPROTOCOL, {
    ...WEBSOCKET_SETTINGS,
    maxPayload: options.maxFrameBytes ?? WEBSOCKET_DEFAULTS.maxFrameBytes,
    generateMask: zeroMask,
    ...(roots && { secureContext: roots }),
    ...(agent && { agent }),
  });
  try {
    return await openedLink({ socket, at, tunnel, options });
  } catch (error) {
    socket.on("error", () => undefined);
    socket.terminate();
    throw error;
  }
};

/**
 * Deviates from RFC 6455, 5.3, where the mask is random. It is there so that no web page can choose the bytes that
 * cross the wire; ours are sealed, so nobody can choose them, and masking costs ten times what sealing does.
 */
const zeroMask = (mask: Uint8Array): void => {
  mask.fill(0);
};

/** The proxy's answer, once it has given one. */
interface Tunnel {
  status: number | undefined;
}

interface Dialling {
  readonly socket: WebSocket;
  readonly at: DialPlace;
  readonly tunnel: Tunnel;
  readonly options: DialOptions;
}

const openedLink = ({ socket, at, tunnel, options }: Dialling): Promise<Link> =>
  new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(deadline);
      if (tunnel.status !== undefined && tunnel.status !== 200) reject(proxyProblem(tunnel.status, at));
      else reject(networkProblem(error, at, tunnel.status !== undefined));
    };
    const deadline = setTimeout(() => {
      fail(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }));
    }, options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS);
    socket.once("error", fail);
    socket.once("unexpected-response", (_, response: IncomingMessage) => {
      clearTimeout(deadline);
      const status = response.statusCode ?? 0;
      const refusedByProxy = tunnel.status !== undefined && tunnel.status !== 200;
      reject(refusedByProxy ? proxyProblem(status, at) : statusProblem(status, at));
    });
    socket.once("upgrade", ({ socket: stream }: IncomingMessage) => {
      // In the same turn as the event: messages may follow in the next.
      socket.once("open", () => {
        clearTimeout(deadline);
        socket.off("error", fail);
        resolve(new WebSocketLink(socket, stream, { ...WEBSOCKET_DEFAULTS, ...options }));
      });
    });
  });

const parseAddress = (address: string): URL => {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && (url.protocol === "ws:" || url.protocol === "wss:") && url.hash === "") return url;
  throw new InputError({
    code: "address-malformed",
    place: "the coordinator's address",
    problem: "not a WebSocket address",
    cure: "write wss://host:port",
  });
};
