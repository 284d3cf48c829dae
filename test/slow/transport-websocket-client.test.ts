/** Sessions over real sockets: TLS, a company's own root certificate, and a forward proxy. */
import { InputError, Secret, utf8 } from "@bulkhead/base";
import { randomBytes } from "@bulkhead/crypto";
import {
  dialWebSocket,
  isWorthRetrying,
  networkProblem,
  statusProblem,
  listenWebSocket,
  type DialOptions,
  type Listener,
  type ListenOptions,
} from "@bulkhead/transport";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { acceptorOf, dialAs, member } from "../transport/federation.ts";
import { startForwardProxy, type ForwardProxy, type ProxyOptions } from "../transport/forward-proxy.ts";
import { urlOf } from "../transport/link-pairs.ts";
import { hasOpenssl, makeThrowawayTls, type ThrowawayTls } from "../transport/throwaway-tls.ts";
import { within } from "../transport/wait-for.ts";

const done: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of done.splice(0).toReversed()) await close();
});

/** A coordinator that sends each message back. */
const listen = async (tls?: ListenOptions["tls"]): Promise<Listener> => {
  const acceptor = acceptorOf({
    onSession: (session) => {
      session.onMessage((message) => session.send(message));
    },
  });
  const listener = await listenWebSocket({
    host: "127.0.0.1",
    port: 0,
    ...(tls && { tls }),
    healthz: () => ({}),
    onLink: (link) => {
      acceptor.accept(link);
    },
  });
  done.push(() => {
    acceptor.close();
    return listener.close();
  });
  return listener;
};

const startProxy = async (options?: ProxyOptions): Promise<ForwardProxy> => {
  const proxy = await startForwardProxy(options);
  done.push(() => proxy.close());
  return proxy;
};

/** Dials, talks, and closes; throws what `dialWebSocket` throws. */
const talkOver = async (options: DialOptions): Promise<void> => {
  const link = await dialWebSocket(options);
  const session = dialAs(member, () => Promise.resolve(link), { resumeMs: 10_000 });
  try {
    const sent = randomBytes(1000);
    const heard = new Promise<Uint8Array>((resolve) => {
      session.onMessage(resolve);
    });
    await session.send(sent.slice());
    expect(await within("the echo", heard)).toEqual(sent);
  } finally {
    session.close();
  }
};

const problemOf = async (options: DialOptions): Promise<InputError> => {
  const error: unknown = await dialWebSocket(options).catch((caught: unknown) => caught);
  if (error instanceof InputError) return error;
  throw new Error("expected a problem");
};

const VARIABLES = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];

/** The variables as a test wants them; what this machine has set is put back. */
const withEnvironment = async (
  variables: Readonly<Record<string, string>>,
  act: () => Promise<void>,
): Promise<void> => {
  const names = [...VARIABLES, ...VARIABLES.map((name) => name.toLowerCase())];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    await act();
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
};

test("what TLS says of a certificate comes with the cure for that", () => {
  const at = { url: new URL("wss://c:1"), proxy: undefined };
  const cureOf = (code: string) => networkProblem(Object.assign(new Error(code), { code }), at, false).cure;
  expect(cureOf("CERT_HAS_EXPIRED")).toContain("clock");
  expect(cureOf("CERT_NOT_YET_VALID")).toContain("clock");
  expect(cureOf("ERR_TLS_CERT_ALTNAME_INVALID")).toContain("host name");
  for (const code of ["SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"])
    expect(cureOf(code)).toContain("root");
  expect(cureOf("EPROTO")).toContain("write ws://");
});

test("an answer that TLS servers give to plain HTTP suggests wss, and only where ws was written", () => {
  const cureOf = (status: number, url: string) =>
    statusProblem(status, { url: new URL(url), proxy: undefined }).cure;
  for (const status of [400, 301, 426]) {
    expect(cureOf(status, "ws://c:1")).toContain("write wss://");
    expect(cureOf(status, "wss://c:1")).not.toContain("write wss://");
  }
  expect(cureOf(404, "ws://c:1")).not.toContain("write wss://");
});

describe("through a forward proxy", () => {
  test("a session over a plain socket goes by CONNECT", async () => {
    const [listener, proxy] = [await listen(), await startProxy()];
    await talkOver({ url: urlOf(listener), proxy: proxy.url });
    expect(proxy.asked).toEqual([`127.0.0.1:${listener.port}`]);
  });

  test("the environment names the proxy, and what needs none", async () => {
    const [listener, proxy] = [await listen(), await startProxy()];
    const url = urlOf(listener);
    await withEnvironment({ HTTP_PROXY: proxy.url.href }, () => talkOver({ url }));
    expect(proxy.asked).toHaveLength(1);
    await withEnvironment({ http_proxy: proxy.url.href, no_proxy: "other,127.0.0.1" }, () =>
      talkOver({ url }),
    );
    await withEnvironment({ HTTP_PROXY: proxy.url.href, NO_PROXY: `127.0.0.1:${listener.port}` }, () =>
      talkOver({ url, proxy: "environment" }),
    );
    await withEnvironment({ HTTP_PROXY: proxy.url.href }, () => talkOver({ url, proxy: "none" }));
    await withEnvironment({ HTTPS_PROXY: proxy.url.href }, () => talkOver({ url }));
    expect(proxy.asked).toHaveLength(1);
    await withEnvironment({ HTTP_PROXY: proxy.url.href, NO_PROXY: "127.0.0.1:1" }, () => talkOver({ url }));
    await withEnvironment({ ALL_PROXY: proxy.url.href }, () => talkOver({ url }));
    expect(proxy.asked).toHaveLength(3);
  });

  test("that wants a login the login goes along, and is never shown", async () => {
    const [listener, proxy] = [await listen(), await startProxy({ login: "site:s3cret" })];
    const url = urlOf(listener);
    const withLogin = new URL(proxy.url);
    withLogin.username = "site";
    withLogin.password = "s3cret";
    await talkOver({ url, proxy: withLogin });
    withLogin.password = "wrong-s3cret";
    const problem = await problemOf({ url, proxy: withLogin });
    expect(problem).toMatchObject({
      code: "proxy-refused",
      place: proxy.url.origin,
      problem: `the proxy answered 407 when asked for ${url}`,
      cure: "put user and password into HTTPS_PROXY",
    });
    expect(problem.message).not.toContain("s3cret");
  });

  test("that refuses, that cannot get there, and that is not there are three problems", async () => {
    const [listener, refusing, failing] = [
      await listen(),
      await startProxy({ status: 403 }),
      await startProxy({ status: 502 }),
    ];
    const url = urlOf(listener);
    const refused = await problemOf({ url, proxy: refusing.url });
    expect([refused.code, isWorthRetrying(refused)]).toEqual(["proxy-refused", false]);
    const failed = await problemOf({ url, proxy: failing.url });
    expect([failed.code, isWorthRetrying(failed)]).toEqual(["coordinator-unavailable", true]);
    await failing.close();
    const gone = await problemOf({ url, proxy: failing.url });
    expect([gone.code, isWorthRetrying(gone)]).toEqual(["proxy-unreachable", true]);
    expect(gone.place).toBe(failing.url.origin);
  });

  test("the address of a proxy is checked", async () => {
    await withEnvironment({ HTTP_PROXY: "socks5://p:1080" }, async () => {
      const problem = await problemOf({ url: "ws://c:1" });
      expect([problem.code, problem.place]).toEqual(["proxy-malformed", "HTTPS_PROXY"]);
    });
    expect((await problemOf({ url: "ws://c:1", proxy: new URL("ftp://p:1") })).code).toBe("proxy-malformed");
  });
});

describe.skipIf(!hasOpenssl)("over TLS (skipped without the openssl command)", () => {
  let tls: ThrowawayTls;
  beforeAll(() => {
    tls = makeThrowawayTls();
  });
  afterAll(() => {
    for (const { key } of [tls.server, tls.named, tls.elsewhere]) key.wipe();
  });

  test("a session needs the company's root certificate, and has it beside the usual ones", async () => {
    const url = urlOf(await listen(tls.server), "wss");
    await talkOver({ url, proxy: "none", extraRoots: `# our root\n${tls.authority}` });
    const problem = await problemOf({ url, proxy: "none" });
    expect(problem.code).toBe("tls-mismatch");
    expect(problem.problem).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/u);
    expect(isWorthRetrying(problem)).toBe(false);
  });

  test("by name, and through a proxy, it is the coordinator's name that counts", async () => {
    const [listener, proxy] = [await listen(tls.server), await startProxy()];
    const extraRoots = tls.authority;
    await talkOver({ url: urlOf(listener, "wss", "localhost"), proxy: "none", extraRoots });
    for (const host of ["localhost", "127.0.0.1"])
      await talkOver({ url: urlOf(listener, "wss", host), proxy: proxy.url, extraRoots });
    expect(proxy.asked).toEqual([`localhost:${listener.port}`, `127.0.0.1:${listener.port}`]);
    await withEnvironment({ HTTPS_PROXY: proxy.url.href }, () =>
      talkOver({ url: urlOf(listener, "wss"), extraRoots }),
    );
    await withEnvironment({ HTTPS_PROXY: proxy.url.href, NO_PROXY: "127.0.0.1" }, () =>
      talkOver({ url: urlOf(listener, "wss"), extraRoots }),
    );
    expect(proxy.asked).toHaveLength(3);
  });

  test("a certificate for the proxy's name does not do for the coordinator's address", async () => {
    const [listener, proxy] = [await listen(tls.named), await startProxy()];
    const named = new URL(proxy.url);
    named.hostname = "localhost";
    const extraRoots = tls.authority;
    await talkOver({ url: urlOf(listener, "wss", "localhost"), proxy: named, extraRoots });
    const problem = await problemOf({ url: urlOf(listener, "wss"), proxy: named, extraRoots });
    expect(problem.problem).toBe("TLS did not come about: ERR_TLS_CERT_ALTNAME_INVALID");
  });

  test("a certificate for another host is refused, direct and through a proxy", async () => {
    const [listener, proxy] = [await listen(tls.elsewhere), await startProxy()];
    const extraRoots = tls.authority;
    for (const host of ["localhost", "127.0.0.1"])
      for (const choice of ["none", proxy.url] as const) {
        const problem = await problemOf({ url: urlOf(listener, "wss", host), proxy: choice, extraRoots });
        expect(problem).toMatchObject({
          code: "tls-mismatch",
          problem: "TLS did not come about: ERR_TLS_CERT_ALTNAME_INVALID",
        });
      }
  });

  test("the wrong scheme is said, either way round", async () => {
    const [open, secured] = [await listen(), await listen(tls.server)];
    const upwards = await problemOf({ url: urlOf(open, "wss"), proxy: "none" });
    expect(upwards.code).toBe("tls-mismatch");
    expect(upwards.cure).toContain("write ws://");
    const downwards = await problemOf({ url: urlOf(secured), proxy: "none" });
    expect(downwards.cure).toContain("write wss://");
  });

  test("a port and a key that do not belong together, or are none, are said by the name of their file", async () => {
    const files = { certificate: "/etc/tls.pem", key: "/etc/tls.key" };
    const { certificate, key } = tls.server;
    const cases = [
      [{ certificate: "none", key }, files.certificate, "it is no certificate in PEM form"],
      [{ certificate, key: new Secret(utf8("none")) }, files.key, "it is no key in PEM form"],
      [{ certificate, key: tls.elsewhere.key }, files.key, "it belongs to another certificate"],
    ] as const;
    for (const [given, place, problem] of cases)
      await expect(listen({ ...given, files })).rejects.toMatchObject({
        code: "config-certificate",
        place,
        problem,
      });
  });

  test("root certificates that are none are said with a cure", async () => {
    for (const extraRoots of [
      "",
      "no certificate",
      tls.authority.replace(/\n[A-Za-z0-9]{8}/u, "\nAAAAAAAA"),
    ]) {
      const problem = await problemOf({ url: "wss://127.0.0.1:1", proxy: "none", extraRoots });
      expect(problem.code).toBe("config-root-certificates");
    }
  });

  test("garbage instead of TLS ends that connection alone", async () => {
    const listener = await listen(tls.server);
    const { connect } = await import("node:net");
    const socket = connect(listener.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume().write(randomBytes(300));
    await within("its end", new Promise((resolve) => socket.once("close", resolve)));
    await talkOver({ url: urlOf(listener, "wss"), proxy: "none", extraRoots: tls.authority });
  });
});
