/** A gateway under test: the real one, between a pipe that the test plays and a coordinator's port of the real transport. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { encodeCanonical, Mailbox } from "@bulkhead/base";
import {
  decodeNews,
  encodeSettings,
  type GatewaySettings,
  type NewsOf,
  type PipeMessage,
  type PipeMessageOf,
  runGateway,
} from "@bulkhead/client";
import type { Identity } from "@bulkhead/crypto";
import { signedContractBytes } from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import {
  acceptSessions,
  certifyGateway,
  gatewayCertificate,
  listenWebSocket,
  type MemberPeer,
  type Session,
} from "@bulkhead/transport";
import { onTestFinished } from "vitest";
import type { Federation } from "../coordinator/federation.ts";

const HOUR = 3_600_000;
const PATIENCE_MS = 60_000;

interface GatewayDesk {
  readonly folder: string;
  readonly say: (message: PipeMessage) => void;
  /** The first message of that type, from the last that was waited for on, for which `where` holds. */
  readonly next: <T extends PipeMessage["type"]>(
    type: T,
    where?: (message: PipeMessageOf<T>) => boolean,
  ) => Promise<PipeMessageOf<T>>;
  readonly problem: () => Promise<NewsOf<"problem">>;
  /** Messages that the gateway has not taken from the pipe yet. */
  readonly untaken: () => number;
  /** The pipe ends, as when the supervisor is gone. */
  readonly abandon: () => void;
  readonly ended: Promise<void>;
}

interface DeskOptions {
  readonly url: string;
  readonly settings?: Partial<GatewaySettings>;
  /** Who certifies the gateway's key; member 1 unless given. */
  readonly identity?: Identity;
  /** How long the cell is at its rows before that. */
  readonly certifyAfterMs?: number;
}

export const startGateway = (federation: Federation, options: DeskOptions): GatewayDesk => {
  const { members, signed } = federation;
  const folder = join(federation.folder, "gateway");
  mkdirSync(folder, { recursive: true });
  const input = new Mailbox<PipeMessage>();
  const heard: PipeMessage[] = [];
  const wakers = new Set<() => void>();
  const identity = options.identity ?? members[0]!;
  const onHeard = (message: PipeMessage): void => {
    heard.push(message);
    if (message.type === "gateway-key") {
      const certificate = certificateOf(federation, identity, message.bytes);
      setTimeout(() => input.post(certificate), options.certifyAfterMs ?? 0);
    }
    for (const wake of wakers) wake();
  };
  const ended = runGateway(
    {
      messages: input,
      send: async (message) => onHeard(message),
      end: async () => undefined,
    },
    { backoff: { firstMs: 5, mostMs: 50, jitter: 0.5 } },
  );
  ended.catch(() => undefined);
  input.post({
    type: "start",
    settings: encodeSettings({
      state: folder,
      member: memberId(1),
      address: options.url,
      proxy: "none",
      reachMs: 3000,
      policy: {},
      ...options.settings,
    }),
    contract: signedContractBytes(signed),
  });
  onTestFinished(() => input.close());
  let from = 0;
  const next: GatewayDesk["next"] = async (type, where = () => true) => {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const at = heard.findIndex((one, i) => i >= from && isOf(one, type) && where(one));
      const found = heard[at];
      if (found !== undefined && isOf(found, type)) {
        from = at + 1;
        return found;
      }
      if (Date.now() > deadline) throw new Error(`the gateway did not say ${type}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          wakers.delete(wake);
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(wake, 500);
        wakers.add(wake);
      });
    }
  };
  return {
    folder,
    say: input.post,
    next,
    problem: async () => {
      const { json } = await next("news", ({ json: said }) => decodeNews(said).type === "problem");
      const news = decodeNews(json);
      if (news.type !== "problem") throw new Error("no problem");
      return news;
    },
    untaken: () => input.size,
    abandon: input.close,
    ended,
  };
};

const isOf = <T extends PipeMessage["type"]>(message: PipeMessage, type: T): message is PipeMessageOf<T> =>
  message.type === type;

const certificateOf = ({ job }: Federation, { signing }: Identity, gatewayKey: Uint8Array): PipeMessage => {
  const now = Date.now();
  const claim = { contractDigest: job.contractHash, memberId: 1, gatewayKey };
  const certificate = certifyGateway(signing.secretKey, {
    ...claim,
    notBefore: now,
    notAfter: now + HOUR,
  });
  return { type: "certificate", bytes: encodeCanonical(gatewayCertificate, certificate) };
};

interface TestPort {
  readonly url: string;
  readonly port: number;
  /** The sessions that were begun, as they come. */
  readonly sessions: readonly Session<MemberPeer>[];
  readonly received: readonly Uint8Array[];
  readonly close: () => Promise<void>;
  /** As when the process is killed: no session is told. */
  readonly kill: () => Promise<void>;
}

interface PortOptions {
  readonly port?: number;
  readonly provider?: Identity;
  /** Whether the coordinator takes what comes. */
  readonly isReading?: boolean;
}

/** The coordinator's end: sessions that keep what they receive. */
export const openPort = async (federation: Federation, options: PortOptions = {}): Promise<TestPort> => {
  const { job, provider } = federation;
  const begun: Session<MemberPeer>[] = [];
  const received: Uint8Array[] = [];
  const sessions = acceptSessions({
    providerKeys: (options.provider ?? provider).signing,
    contractDigest: job.contractHash,
    memberKey: (id) => job.members.find((member) => member.id === id)?.publicKey,
    resumeMs: 5000,
    onSession: (session) => {
      begun.push(session);
      session.onMessage((message) => {
        if (options.isReading === false) return new Promise<void>(() => undefined);
        received.push(Uint8Array.from(message));
        return undefined;
      });
    },
  });
  const port = await listenWebSocket({
    host: "127.0.0.1",
    port: options.port ?? 0,
    healthz: () => ({ status: "ok" }),
    onLink: (link) => sessions.accept(link),
  });
  const close = async (): Promise<void> => {
    sessions.close();
    await port.close();
  };
  onTestFinished(close);
  return {
    url: `ws://127.0.0.1:${port.port}`,
    port: port.port,
    sessions: begun,
    received,
    close,
    kill: () => port.close(),
  };
};
