/**
 * Throughput of a link over loopback between two processes, plain and inside a session, in messages of 1 MiB:
 * `node --conditions=bulkhead-src --import tsx test/bench/transport.ts [messages]`.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Secret } from "@bulkhead/base";
import { randomBytes, signingKeys } from "@bulkhead/crypto";
import {
  acceptSessions,
  certifyGateway,
  dialSession,
  dialWebSocket,
  listenWebSocket,
  type Link,
} from "@bulkhead/transport";

const MIB = 2 ** 20;
const [role, countText] = process.argv.slice(2);
const count = Number(countText ?? role ?? 500);

const keysOf = (seed: number) => signingKeys(new Secret(new Uint8Array(32).fill(seed)));
const [provider, identity, gateway] = [keysOf(1), keysOf(2), keysOf(3)];
const contractDigest = new Uint8Array(32);

const cpuMs = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};

/** Counts what arrives, and tells the other process how long all of it took. */
const meter = (): ((message: Uint8Array) => void) => {
  let [received, began, cpuBegan] = [0, 0, 0];
  return () => {
    if (received === 0) [began, cpuBegan] = [performance.now(), cpuMs()];
    received += 1;
    if (received === count) process.send?.({ ms: performance.now() - began, cpuMs: cpuMs() - cpuBegan });
  };
};

const receive = async (): Promise<void> => {
  const receiveMessage = meter();
  const acceptor = acceptSessions({
    providerKeys: provider,
    contractDigest,
    memberKey: () => identity.publicKey,
    resumeMs: 1000,
    onSession: (session) => {
      session.onMessage(receiveMessage);
    },
  });
  const onPlainLink = (link: Link): void => {
    link.admit();
    link.onMessage(receiveMessage);
  };
  const { port } = await listenWebSocket({
    host: "127.0.0.1",
    port: 0,
    healthz: () => ({}),
    onLink: role === "plain" ? onPlainLink : acceptor.accept.bind(acceptor),
  });
  process.send?.({ port });
};

const sendOver = async (kind: string, url: string): Promise<void> => {
  const message = randomBytes(MIB);
  const dial = (): Promise<Link> => dialWebSocket({ url, proxy: "none" });
  if (kind === "plain") {
    const link = await dial();
    for (let i = 0; i < count; i++) await link.send(message);
    return;
  }
  const session = dialSession({
    dial,
    providerKey: provider.publicKey,
    contractDigest,
    gateway,
    certificate: () =>
      certifyGateway(identity.secretKey, {
        contractDigest,
        memberId: 1,
        gatewayKey: gateway.publicKey,
        notBefore: Date.now(),
        notAfter: Date.now() + 60_000,
      }),
    resumeMs: 5000,
  });
  for (let i = 0; i < count; i++) await session.send(message);
  await session.flush();
  session.close();
};

type Report = { readonly port: number } | { readonly ms: number; readonly cpuMs: number };

const measure = (kind: string): Promise<void> =>
  new Promise((resolve) => {
    const receiver = fork(fileURLToPath(import.meta.url), [kind, String(count)]);
    let [cpuBegan, cpu] = [0, Promise.resolve(0)];
    receiver.on("message", (report: Report) => {
      if ("port" in report) {
        cpuBegan = cpuMs();
        cpu = sendOver(kind, `ws://127.0.0.1:${report.port}`).then(() => cpuMs() - cpuBegan);
        return;
      }
      void cpu.then((sender) => {
        const rate = (count / report.ms) * 1000;
        const each = (ms: number): string => `${(ms / count).toFixed(2)} ms CPU per MiB`;
        console.log(
          `${kind}: ${rate.toFixed(0)} MiB/s; sender ${each(sender)}, receiver ${each(report.cpuMs)}`,
        );
        receiver.kill();
        resolve();
      });
    });
  });

if (process.send === undefined) for (const kind of ["plain", "session"]) await measure(kind);
else await receive();
