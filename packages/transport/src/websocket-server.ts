/** The coordinator's port: WebSockets for clients, `GET /healthz` for probes, and little patience with strangers. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { invariant } from "@bulkhead/base";
import { WebSocketServer, type WebSocket } from "ws";
import { AddressLimit } from "./address-limit.ts";
import { clientAddress } from "./client-address.ts";
import { answerHttp } from "./health-page.ts";
import type { Link } from "./link.ts";
import { portProblem } from "./port-problem.ts";
import { certificateProblem, type ServerCertificate } from "./server-certificate.ts";
import { Stranger } from "./stranger.ts";
import { SUBPROTOCOL, WEBSOCKET_DEFAULTS, WEBSOCKET_SETTINGS, WebSocketLink } from "./websocket-link.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** PEM. Absent where what stands before the port speaks TLS. */
  readonly tls?: ServerCertificate;
  readonly limits?: Partial<ListenLimits>;
  /** Whether X-Forwarded-For is the word of a reverse proxy of ours. */
  readonly trustProxy?: boolean;
  readonly onLink: (link: Link, from: { readonly address: string }) => void;
  /** What `GET /healthz` shows, to everyone. */
  readonly healthz: () => object;
}

export interface ListenLimits {
  readonly connectionsPerAddress: number;
  readonly connections: number;
  /** From the first byte until `Link.admit`; whoever is not admitted by then is cut off. */
  readonly handshakeMs: number;
  /** What a stranger may send over its WebSocket until `Link.admit`. */
  readonly bytesBeforeAuthentication: number;
  readonly maxFrameBytes: number;
  readonly highWaterBytes: number;
  readonly pingEveryMs: number;
  readonly idleAfterMs: number;
}

export const LISTEN_LIMITS: ListenLimits = {
  ...WEBSOCKET_DEFAULTS,
  connectionsPerAddress: 16,
  connections: 2048,
  handshakeMs: 10_000,
  bytesBeforeAuthentication: 4096,
};

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Closes the port and what is open on it. */
  close(): Promise<void>;
}

/** Throws an `InputError` where the port or the certificate cannot be used. */
export const listenWebSocket = (options: ListenOptions): Promise<Listener> =>
  new Port({
    trustProxy: false,
    ...options,
    limits: { ...LISTEN_LIMITS, ...options.limits },
  }).listen();

interface PortOptions extends ListenOptions {
  readonly limits: ListenLimits;
  readonly trustProxy: boolean;
}

/** Connections that are no links (probes, handshakes under way) come on top of an address's links. */
const CONNECTIONS_PER_LINK = 2;
/** How long links have for an orderly close before they are cut. */
const GRACE_MS = 500;
const GOING_AWAY = 1001;

class Port {
  readonly #options: PortOptions;
  readonly #server: Server;
  readonly #webSockets: WebSocketServer;
  readonly #connections = new Set<Socket>();
  readonly #strangers = new WeakMap<Duplex, Stranger>();
  readonly #connectionsOf: AddressLimit;
  readonly #linksOf: AddressLimit;

  constructor(options: PortOptions) {
    const { limits, tls } = options;
    this.#options = options;
    this.#connectionsOf = new AddressLimit(limits.connectionsPerAddress * CONNECTIONS_PER_LINK);
    this.#linksOf = new AddressLimit(limits.connectionsPerAddress);
    this.#webSockets = new WebSocketServer({
      ...WEBSOCKET_SETTINGS,
      noServer: true,
      maxPayload: limits.maxFrameBytes,
      handleProtocols: () => SUBPROTOCOL,
    });
    this.#server = newServer(limits.handshakeMs, tls);
    this.#server.maxConnections = limits.connections;
    this.#server.on("connection", this.#onConnection);
    this.#server.on(tls === undefined ? "connection" : "secureConnection", this.#onStranger);
    this.#server.on("request", (request, response) => {
      answerHttp(request, response, options.healthz);
    });
    this.#server.on("upgrade", this.#onUpgrade);
    // An answer in the clear tells a client that came with TLS that there is none here.
    this.#server.on("clientError", (_, socket) => {
      if (socket.writable) refuse(socket, "400 Bad Request");
      else socket.destroy();
    });
  }

  listen(): Promise<Listener> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error: Error & { readonly code?: string }) => {
        reject(portProblem(error.code, host, port) ?? error);
      });
      this.#server.listen(port, host, () => {
        const address = this.#server.address();
        invariant(typeof address === "object" && address !== null, "a TCP port has an address");
        resolve({ host, port: address.port, close: () => this.#close() });
      });
    });
  }

  #close(): Promise<void> {
    for (const socket of this.#webSockets.clients) socket.close(GOING_AWAY);
    const cut = setTimeout(() => {
      for (const socket of this.#connections) socket.destroy();
    }, GRACE_MS);
    return new Promise((resolve) => {
      this.#server.close(() => {
        clearTimeout(cut);
        resolve();
      });
    });
  }

  readonly #onConnection = (socket: Socket): void => {
    this.#connections.add(socket);
    const address = this.#options.trustProxy ? undefined : socket.remoteAddress;
    const isCounted = address !== undefined && this.#connectionsOf.enter(address);
    if (address !== undefined && !isCounted) socket.destroy();
    socket.once("close", () => {
      this.#connections.delete(socket);
      if (isCounted) this.#connectionsOf.leave(address);
    });
  };

  readonly #onStranger = (socket: Socket): void => {
    this.#strangers.set(socket, new Stranger(socket, this.#options.limits.handshakeMs));
  };

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const ignoreErrors = (): void => undefined;
    socket.on("error", ignoreErrors);
    const address = clientAddress(request, this.#options.trustProxy);
    const asked = request.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim());
    if (asked?.includes(SUBPROTOCOL) !== true) return refuse(socket, "400 Bad Request");
    if (!this.#linksOf.enter(address)) return refuse(socket, "429 Too Many Requests");
    socket.once("close", () => {
      this.#linksOf.leave(address);
    });
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off("error", ignoreErrors);
      this.#onWebSocket(webSocket, request.socket, address);
    });
  };

  #onWebSocket(webSocket: WebSocket, socket: Socket, address: string): void {
    const { limits, onLink } = this.#options;
    const stranger = this.#strangers.get(socket);
    const link = new WebSocketLink(webSocket, socket, { ...limits, onAdmit: () => stranger?.admit() });
    stranger?.opened(link, limits.bytesBeforeAuthentication);
    onLink(link, { address });
  }
}

const newServer = (handshakeMs: number, tls: ListenOptions["tls"]): Server => {
  const settings = { maxHeaderSize: 8192, headersTimeout: handshakeMs, requestTimeout: handshakeMs };
  if (tls === undefined) return createServer(settings);
  try {
    const key = Buffer.from(tls.key.reveal());
    return createTlsServer({ ...settings, handshakeTimeout: handshakeMs, cert: tls.certificate, key });
  } catch {
    throw certificateProblem(tls);
  }
};

const refuse = (socket: Duplex, status: string): void => {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
};
