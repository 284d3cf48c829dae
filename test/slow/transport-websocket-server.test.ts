/** The coordinator's port: its limits against strangers, its health page, and errors with a cure. */
import { connect, createServer, type Socket } from "node:net";
import { Secret } from "@bulkhead/base";
import { randomBytes } from "@bulkhead/crypto";
import {
  dialWebSocket,
  listenWebSocket,
  type Link,
  type LinkClosed,
  type Listener,
  type ListenOptions,
} from "@bulkhead/transport";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { acceptorOf, dialAs, member } from "../transport/federation.ts";
import { urlOf } from "../transport/link-pairs.ts";
import { closeOf, isPending, sleep, until, watch, within } from "../transport/wait-for.ts";

const done: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of done.splice(0).toReversed()) await close();
});

interface Heard {
  readonly links: Link[];
  readonly addresses: string[];
  readonly closed: LinkClosed[];
  readonly messages: Uint8Array[];
}

const listen = async (options: Partial<ListenOptions> = {}): Promise<Listener & Heard> => {
  const heard: Heard = { links: [], addresses: [], closed: [], messages: [] };
  const listener = await listenWebSocket({
    host: "127.0.0.1",
    port: 0,
    healthz: () => ({ status: "ok", round: 3 }),
    onLink: (link, { address }) => {
      heard.links.push(link);
      heard.addresses.push(address);
      link.onMessage((message) => {
        heard.messages.push(message);
      });
      link.onClose((reason) => heard.closed.push(reason));
    },
    ...options,
  });
  done.push(() => listener.close());
  return { ...listener, ...heard };
};

const dialTo = async (listener: Listener, more = {}): Promise<Link> => {
  const link = await dialWebSocket({ url: urlOf(listener), proxy: "none", ...more });
  done.push(() => {
    link.close();
  });
  return link;
};

/** A TCP connection that says what it likes. */
const tcp = (listener: Listener): Socket & { readonly heard: () => string } => {
  const socket = connect(listener.port, "127.0.0.1");
  let heard = "";
  socket.setEncoding("latin1");
  socket.on("data", (text: string) => (heard += text));
  socket.on("error", () => undefined);
  done.push(() => socket.destroy());
  return Object.assign(socket, { heard: () => heard });
};

const endOf = (socket: Socket): Promise<void> =>
  within(
    "the socket's end",
    new Promise((resolve) => {
      socket.once("close", () => {
        resolve();
      });
    }),
  );

const UPGRADE = [
  "GET / HTTP/1.1",
  "Host: c",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: bulkhead",
];

const upgrade = (...more: readonly string[]): string => [...UPGRADE, ...more, "", ""].join("\r\n");

describe("the port", () => {
  test("answers GET /healthz with JSON, and everything else with 404", async () => {
    const { port } = await listen();
    const health = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect(health.status).toBe(200);
    expect(health.headers.get("content-type")).toBe("application/json");
    expect(await health.json()).toEqual({ status: "ok", round: 3 });
    for (const [path, method] of [
      ["/", "GET"],
      ["/healthz?x=1", "GET"],
      ["/healthz", "POST"],
      ["/../../etc/passwd", "GET"],
    ] as const)
      expect((await fetch(`http://127.0.0.1:${port}${path}`, { method })).status).toBe(404);
    const head = await fetch(`http://127.0.0.1:${port}/healthz`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  test("says that it is ill without saying why", async () => {
    const { port } = await listen({
      healthz: () => {
        throw new Error("disk /secret/path");
      },
    });
    const health = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect([health.status, await health.json()]).toEqual([500, { status: "failed" }]);
  });

  test("that is taken, or not ours, is said with a cure", async () => {
    const { port } = await listen();
    await expect(listen({ port })).rejects.toMatchObject({
      name: "InputError",
      code: "port-taken",
      place: `127.0.0.1:${port}`,
      cure: "stop it, or choose another port",
    });
    await expect(listen({ host: "192.0.2.1" })).rejects.toMatchObject({ code: "host-not-ours" });
  });

  test("with a certificate that is none is said with a cure, and the key is not", async () => {
    const tls = { certificate: "no", key: new Secret(new TextEncoder().encode("hidden key")) };
    const error: unknown = await listen({ tls }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "InputError", code: "config-certificate" });
    expect(String(error)).not.toContain("hidden");
  });

  test("closes with everything that is open on it", async () => {
    const listener = await listen();
    const link = await dialTo(listener);
    const silent = tcp(listener);
    await until("the link", () => listener.links.length === 1);
    const [reason] = await Promise.all([
      closeOf(link),
      endOf(silent),
      within("the port to close", listener.close()),
    ]);
    expect(reason).toEqual({ type: "closed-by-peer", code: 1001, text: "" });
    await expect(dialTo(listener)).rejects.toMatchObject({ code: "unreachable" });
  });
});

describe("a stranger", () => {
  test("is cut off when it is silent, before and after the WebSocket opens", async () => {
    const listener = await listen({ limits: { handshakeMs: 60 } });
    const [silent, half, opened] = [tcp(listener), tcp(listener), tcp(listener)];
    half.write("GET /healthz HTTP/1.1\r\nHost:");
    opened.write(upgrade());
    await Promise.all([endOf(silent), endOf(half), endOf(opened)]);
    expect(opened.heard()).toContain("101 Switching Protocols");
    expect(listener.closed).toEqual([{ type: "not-admitted", limit: "time" }]);
  });

  test("is cut off when it says too much, in one frame or in many, and an admitted peer is not", async () => {
    const listener = await listen({ limits: { bytesBeforeAuthentication: 1000 } });
    const large = await dialTo(listener);
    void large.send(new Uint8Array(2000));
    await closeOf(large);
    const many = await dialTo(listener);
    for (let i = 0; i < 200; i++) void many.send(new Uint8Array(10));
    await closeOf(many);
    expect(listener.closed).toEqual([
      { type: "not-admitted", limit: "bytes" },
      { type: "not-admitted", limit: "bytes" },
    ]);
    expect(listener.messages.every(({ length }) => length === 10)).toBe(true);
    const friend = await dialTo(listener);
    await until("the third link", () => listener.links.length === 3);
    listener.links[2]?.admit();
    await friend.send(new Uint8Array(2000));
    await until("the message", () => listener.messages.at(-1)?.length === 2000);
  });

  test("stays after it has proven itself, however slow the limits on strangers would find it", async () => {
    const acceptor = acceptorOf({ onSession: (session) => void session.send(Uint8Array.of(1)) });
    done.push(() => {
      acceptor.close();
    });
    const listener = await listen({
      limits: { handshakeMs: 150, bytesBeforeAuthentication: 1000 },
      onLink: (link) => {
        acceptor.accept(link);
      },
    });
    const session = dialAs(member, () => dialTo(listener));
    done.push(() => {
      session.close();
    });
    const { states } = watch(session);
    await session.flush();
    await session.send(randomBytes(20_000));
    await sleep(200);
    await session.send(randomBytes(20_000));
    await session.flush();
    expect(states).toEqual([{ type: "open" }]);
  });

  test("gets so many connections from one address, and others get theirs", async () => {
    const listener = await listen({ limits: { connectionsPerAddress: 2 } });
    const [first] = [await dialTo(listener), await dialTo(listener)];
    await expect(dialTo(listener)).rejects.toMatchObject({
      name: "InputError",
      code: "coordinator-busy",
    });
    first.close();
    await until("the place to be free", () => listener.closed.length === 1);
    await sleep(20);
    await dialTo(listener);
    const flood = Array.from({ length: 10 }, () => tcp(listener));
    await until("the flood to end", () => flood.filter(({ closed }) => closed).length >= 6);
  });

  test("is told apart by what our reverse proxy saw, if we have one, and by its socket otherwise", async () => {
    const forwarded = (address: string): readonly string[] => [`X-Forwarded-For: 9.9.9.9, ${address}`];
    const behind = await listen({ trustProxy: true, limits: { connectionsPerAddress: 1 } });
    const answers = [];
    for (const address of ["1.2.3.4", "1.2.3.5", "1.2.3.4", "2001:db8::1", "2001:db8:0:0:9::2", "no"]) {
      const socket = tcp(behind);
      socket.write(upgrade(...forwarded(address)));
      await until("an answer", () => socket.heard() !== "");
      answers.push(socket.heard().slice(9, 12));
    }
    expect(answers).toEqual(["101", "101", "429", "101", "429", "101"]);
    expect(behind.addresses).toEqual(["1.2.3.4", "1.2.3.5", "2001:db8::1", "127.0.0.1"]);
    const direct = await listen();
    const socket = tcp(direct);
    socket.write(upgrade(...forwarded("1.2.3.4")));
    await until("the link", () => direct.links.length === 1);
    expect(direct.addresses).toEqual(["127.0.0.1"]);
  });

  test("of another WebSocket protocol, or with a broken greeting, gets no link", async () => {
    const listener = await listen();
    const other = tcp(listener);
    other.write(upgrade().replace("Protocol: bulkhead", "Protocol: chat"));
    await endOf(other);
    expect(other.heard()).toContain("400 Bad Request");
    const broken = tcp(listener);
    broken.write(upgrade().replace("Version: 13", "Version: 12"));
    await endOf(broken);
    expect(broken.heard()).toMatch(/^HTTP\/1.1 4/u);
    const garbage = tcp(listener);
    garbage.write(randomBytes(500));
    await endOf(garbage);
    const long = tcp(listener);
    long.write(`GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
    await endOf(long);
    expect(listener.links).toEqual([]);
  });

  test("that sends text, broken frames or frames that are too large gets a reason on our side", async () => {
    const listener = await listen({ limits: { maxFrameBytes: 500 } });
    const say = async (frame: Uint8Array): Promise<LinkClosed | undefined> => {
      const socket = tcp(listener);
      socket.write(upgrade());
      await until("the upgrade", () => socket.heard().includes("\r\n\r\n"));
      const before = listener.closed.length;
      socket.write(frame);
      await until("the end", () => listener.closed.length > before);
      return listener.closed.at(-1);
    };
    const mask = [0, 0, 0, 0];
    expect(await say(Uint8Array.of(0x81, 0x81, ...mask, 65))).toEqual({
      type: "protocol-violation",
      detail: "text-message",
    });
    expect(await say(Uint8Array.of(0x82, 1, 65))).toEqual({
      type: "protocol-violation",
      detail: "WS_ERR_EXPECTED_MASK",
    });
    expect(await say(Uint8Array.of(0xc2, 0x81, ...mask, 65))).toMatchObject({ type: "protocol-violation" });
    expect(await say(Uint8Array.of(0x82, 0xfe, 0x02, 0x00, ...mask))).toEqual({
      type: "frame-too-large",
      receiver: "us",
    });
    const link = await dialTo(listener, { maxFrameBytes: 10_000 });
    await link.send(new Uint8Array(501));
    expect(await closeOf(link)).toEqual({ type: "frame-too-large", receiver: "peer" });
  });
});

describe("a link over sockets", () => {
  test("that falls silent ends as idle, and one whose peer lives does not", async () => {
    const listener = await listen({ limits: { pingEveryMs: 10, idleAfterMs: 100 } });
    const mute = tcp(listener);
    mute.write(upgrade());
    const living = await dialTo(listener);
    await until("both links", () => listener.links.length === 2);
    await until("the end", () => listener.closed.length > 0);
    expect(listener.closed).toEqual([{ type: "idle", afterMs: 100 }]);
    await sleep(120);
    expect(await isPending(closeOf(living))).toBe(true);
  });

  test("does not take our own pause for the peer's silence", async () => {
    const listener = await listen({
      limits: { pingEveryMs: 10, idleAfterMs: 50, highWaterBytes: 1000 },
      onLink: (link) => {
        link.admit();
        link.onMessage(() => sleep(100));
        link.onClose(({ type }) => ends.push(type));
      },
    });
    const ends: string[] = [];
    const link = await dialTo(listener);
    // More than the kernel's and the stream's buffers take, so that reading stops.
    for (let i = 0; i < 40; i++) void link.send(new Uint8Array(2 ** 18));
    await sleep(90);
    expect(ends).toEqual([]);
  });

  test("whose connection breaks is unreachable, not closed", async () => {
    const listener = await listen();
    const socket = tcp(listener);
    socket.write(upgrade());
    await until("the link", () => listener.links.length === 1);
    socket.resetAndDestroy();
    await until("the end", () => listener.closed.length > 0);
    expect(listener.closed).toEqual([{ type: "unreachable", detail: "connection-lost" }]);
  });
});

describe("dialling", () => {
  test("where nothing listens, or something else does, says which, and whether to try again", async () => {
    const free = createServer();
    await new Promise<void>((resolve) => {
      free.listen(0, "127.0.0.1", resolve);
    });
    const address = free.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const url = `ws://127.0.0.1:${address.port}`;
    free.on("connection", (socket) => {
      socket.on("error", () => undefined);
      socket.resume().end("SSH-2.0-OpenSSH_9.2\r\n");
    });
    await expect(dialWebSocket({ url, proxy: "none" })).rejects.toMatchObject({
      code: "not-a-bulkhead-coordinator",
    });
    await new Promise((resolve) => {
      free.close(resolve);
    });
    await expect(dialWebSocket({ url, proxy: "none" })).rejects.toMatchObject({
      name: "InputError",
      code: "unreachable",
      place: url,
      problem: "the coordinator could not be reached: ECONNREFUSED",
    });
  });

  test("a web server, or another kind of WebSocket, is told from a coordinator", async () => {
    const { createServer: createHttpServer } = await import("node:http");
    const { WebSocketServer } = await import("ws");
    const page = createHttpServer((request, response) =>
      response.writeHead(request.url === "/down" ? 502 : 200).end("<html>"),
    );
    const chat = new WebSocketServer({ noServer: true, handleProtocols: () => false });
    page.on("upgrade", (request, socket, head) => {
      if (request.url === "/chat") chat.handleUpgrade(request, socket, head, () => undefined);
      else socket.end(`HTTP/1.1 ${request.url === "/down" ? "502 Bad Gateway" : "200 OK"}\r\n\r\n`);
    });
    await new Promise<void>((resolve) => {
      page.listen(0, "127.0.0.1", resolve);
    });
    done.push(() => page.close());
    const address = page.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const codeAt = async (path: string): Promise<unknown> => {
      const url = `ws://user:hidden@127.0.0.1:${address.port}${path}`;
      const error: unknown = await dialWebSocket({ url, proxy: "none" }).catch((caught: unknown) => caught);
      expect(String(error)).not.toContain("hidden");
      return error instanceof Error && "code" in error ? error.code : error;
    };
    expect(await codeAt("/")).toBe("not-a-bulkhead-coordinator");
    expect(await codeAt("/chat")).toBe("not-a-bulkhead-coordinator");
    expect(await codeAt("/down")).toBe("coordinator-unavailable");
  });

  test("something that never answers ends after the time for it", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => {
      silent.listen(0, "127.0.0.1", resolve);
    });
    done.push(() => silent.close());
    const address = silent.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const url = `ws://127.0.0.1:${address.port}`;
    await expect(dialWebSocket({ url, proxy: "none", handshakeTimeoutMs: 50 })).rejects.toMatchObject({
      code: "unreachable",
      problem: "the coordinator could not be reached: ETIMEDOUT",
    });
  });

  test.each(["http://c:1", "c:1", "", "wss://", "ws://c:1#x", "ws://c:99999"])(
    "refuses the address %s",
    async (url) => {
      await expect(dialWebSocket({ url })).rejects.toMatchObject({ code: "address-malformed" });
    },
  );

  test("a peer's pings and closes are answered by the socket itself", async () => {
    const listener = await listen();
    const plain = new WebSocket(urlOf(listener), "bulkhead");
    done.push(() => {
      plain.terminate();
    });
    await within("the socket", new Promise((resolve) => plain.once("open", resolve)));
    plain.ping("x");
    await within("the pong", new Promise((resolve) => plain.once("pong", resolve)));
    plain.close(4321, "why\u0007");
    await until("the end", () => listener.closed.length > 0);
    expect(listener.closed).toEqual([{ type: "closed-by-peer", code: 4321, text: "why?" }]);
  });
});
