/** A small forward proxy that knows CONNECT and nothing else. */
import { createServer, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface ForwardProxy {
  readonly url: URL;
  /** `host:port` of each CONNECT, in order. */
  readonly asked: readonly string[];
  /** Breaks every connection through it, in the middle of whatever it carries. */
  readonly cut: () => void;
  readonly close: () => Promise<void>;
}

export interface ProxyOptions {
  /** Answers with this instead of connecting. */
  readonly status?: number;
  /** `user:password` that it wants. */
  readonly login?: string;
  readonly host?: string;
}

export const startForwardProxy = async ({
  status,
  login,
  host = "127.0.0.1",
}: ProxyOptions = {}): Promise<ForwardProxy> => {
  const asked: string[] = [];
  const sockets = new Set<Duplex | Socket>();
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on("connect", (request: IncomingMessage, client: Duplex, head: Buffer) => {
    const target = request.url ?? "";
    asked.push(target);
    sockets.add(client);
    client.on("error", () => undefined);
    const authorization = login && `Basic ${Buffer.from(login).toString("base64")}`;
    if (authorization !== undefined && request.headers["proxy-authorization"] !== authorization)
      return client.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    if (status !== undefined) return client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    const { hostname, port } = new URL(`http://${target}`);
    const far = connect(Number(port), hostname, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      far.write(head);
      far.pipe(client);
      client.pipe(far);
    });
    sockets.add(far);
    far.on("error", () => client.destroy());
    far.on("close", () => client.destroy());
    client.on("close", () => far.destroy());
    return undefined;
  });
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return {
    url: new URL(`http://${host}:${address.port}`),
    asked,
    cut,
    close: () =>
      new Promise((resolve) => {
        cut();
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
};
