/**
 * Sites for tests: the real cell and the real gateway in one process, joined by a pipe that keeps every byte of both
 * directions, against a real coordinator.
 */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex, Mailbox, Secret } from "@bulkhead/base";
import {
  type CellOptions,
  type CellOutcome,
  type CellSettings,
  type Channel,
  decodeNews,
  decodePipeMessage,
  encodePipeMessage,
  encodeSettings,
  type News,
  type NewsOf,
  type PipeMessage,
  runGateway,
  startCell,
} from "@bulkhead/client";
import { inlineRingEngine } from "@bulkhead/compute";
import {
  type ClientFrame,
  type CoordinatorFrame,
  decodeClientFrame,
  decodeCoordinatorFrame,
  signedContractBytes,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { onTestFinished } from "vitest";
import { coordinate, type Federation, newFederation } from "../coordinator/federation.ts";
import { floatsOf } from "../coordinator/member.ts";
import { knownTrainer, type KnownTrainer, type KnownTrainerOptions } from "./known-trainer.ts";

/** Busy machines are slow; a member that is gone shows by its lost link, not by a deadline. */
const PATIENT = { stageMs: 60_000, trainMs: 60_000, resumeMs: 100 };

export const patientFederation = (options: Parameters<typeof newFederation>[0] = {}): Federation =>
  newFederation({ timing: PATIENT, ...options });

/** It waits for all members before the first round. */
export const patientCoordinator = (
  federation: Federation,
  options: Parameters<typeof coordinate>[1] = {},
): ReturnType<typeof coordinate> => coordinate(federation, { startWaitMs: 60_000, ...options });

export const ROW_TEXTS = ["the quick brown fox", "pack my box with jugs", "sphinx of black quartz"];

export interface SiteOptions {
  readonly url: string;
  /** How long the gateway tries to reach the coordinator. */
  readonly reachMs?: number;
  readonly settings?: Partial<CellSettings>;
  /** A file of hidden rows. */
  readonly evaluation?: string;
  readonly cell?: Partial<CellOptions>;
  readonly outcome?: KnownTrainerOptions["outcome"];
  /** Sees each message on its way; what it gives goes on in its place. */
  readonly onWay?: (
    from: "cell" | "gateway",
    message: PipeMessage,
    site: RunningSite,
  ) => readonly PipeMessage[];
}

export interface RunningSite {
  readonly done: Promise<CellOutcome>;
  readonly news: readonly News[];
  /** Every message that crossed the pipe, encoded. */
  readonly crossed: readonly Uint8Array[];
  /** What the cell had the gateway send. */
  readonly said: readonly ClientFrame[];
  readonly trainers: readonly KnownTrainer[];
  readonly folder: string;
  /** Says it to the cell, as the supervisor would. */
  readonly tell: (message: PipeMessage) => void;
  /** The pipe breaks, as when the processes are killed. */
  readonly kill: () => void;
}

/** Where site number `place` of the federation keeps its things, from 1. */
export const siteFolder = ({ folder }: Federation, place: number): string => {
  const home = path.join(folder, `site-${place}`);
  fs.mkdirSync(path.join(home, "gateway"), { recursive: true });
  return home;
};

export const settingsOf = (federation: Federation, place: number): CellSettings => {
  const home = siteFolder(federation, place);
  const rows = path.join(home, "rows.jsonl");
  if (!fs.existsSync(rows))
    fs.writeFileSync(
      rows,
      ROW_TEXTS.map((text, i) => `${JSON.stringify({ text, label: i % 2 })}\n`).join(""),
    );
  return {
    identity: path.join(home, "identity"),
    state: path.join(home, "cell"),
    member: memberId(place),
    isUsed: false,
    isWithdrawn: false,
    verifiedMembers: federation.members.map((_, i) => memberId(i + 1)),
    isProviderVerified: true,
    data: {
      type: "jsonl",
      paths: [rows],
      columns: { text: "text", label: "label" },
      longestText: 1000,
      badRowLimit: { type: "count", count: 0 },
    },
    trainerModule: path.join(home, "trainer.mjs"),
    backend: "auto",
    precision: "f32",
    activationBytes: { memory: 2 ** 20, disk: 0 },
    keepEveryMs: 60_000,
    ringEngine: "auto",
    policy: {},
  };
};

/** Site number `place`, from 1; it ends with the test at the latest. */
export const startSite = (federation: Federation, place: number, options: SiteOptions): RunningSite => {
  const plain = settingsOf(federation, place);
  const { evaluation } = options;
  const hidden = evaluation === undefined ? {} : { evaluation: { ...plain.data, paths: [evaluation] } };
  const settings = { ...plain, ...hidden, ...options.settings };
  const wire = new Wire(options);
  const trainers: KnownTrainer[] = [];
  const done = startCell({
    settings,
    signed: federation.signed,
    passphrase: new Secret(new Uint8Array(8)),
    channel: wire.cell,
    openIdentity: async () => federation.members[place - 1]!,
    openEngine: async () => inlineRingEngine(),
    openTrainer: async (spec) => {
      const { tensors } = federation.contract;
      const outcome = options.outcome === undefined ? {} : { outcome: options.outcome };
      const examples = "examples" in spec ? spec.examples : [];
      const trainer = knownTrainer({ id: place, tensors, examples, ...outcome });
      trainers.push(trainer);
      return trainer;
    },
    ...options.cell,
  });
  const gateway = runGateway(wire.gateway, { backoff: { firstMs: 5, mostMs: 50, jitter: 0.5 } });
  wire.startGateway(federation, place, settings);
  const site: RunningSite = {
    done,
    news: wire.news,
    crossed: wire.crossed,
    said: wire.said,
    trainers,
    folder: siteFolder(federation, place),
    tell: wire.toCell,
    kill: wire.cut,
  };
  wire.site = site;
  onTestFinished(async () => {
    wire.cut();
    await Promise.allSettled([done, gateway]);
  });
  return site;
};

/** Stands in for supervisor and pipes. */
export class Wire {
  readonly crossed: Uint8Array[] = [];
  readonly news: News[] = [];
  readonly said: ClientFrame[] = [];
  site: RunningSite | undefined;
  readonly #forCell = new Mailbox<PipeMessage>();
  readonly #forGateway = new Mailbox<PipeMessage>();
  readonly #options: SiteOptions;
  readonly cell: Channel;
  readonly gateway: Channel;

  constructor(options: SiteOptions) {
    this.#options = options;
    this.cell = this.#channel("cell", this.#forCell, this.#forGateway);
    this.gateway = this.#channel("gateway", this.#forGateway, this.#forCell);
  }

  startGateway(federation: Federation, place: number, { member, policy }: CellSettings): void {
    const state = path.join(siteFolder(federation, place), "gateway");
    const settings = {
      state,
      member,
      policy,
      address: this.#options.url,
      proxy: "none",
      reachMs: this.#options.reachMs ?? 120_000,
    };
    const contract = signedContractBytes(federation.signed);
    this.#forGateway.post({ type: "start", settings: encodeSettings(settings), contract });
  }

  readonly toCell = (message: PipeMessage): void => this.#forCell.post(message);
  readonly cut = (): void => {
    this.#forCell.close();
    this.#forGateway.close();
  };

  #channel(from: "cell" | "gateway", own: Mailbox<PipeMessage>, other: Mailbox<PipeMessage>): Channel {
    return {
      messages: own,
      send: async (message) => {
        const encoded = encodePipeMessage(message);
        this.crossed.push(encoded);
        const decoded = decodePipeMessage(encoded);
        if (decoded.type === "news") this.news.push(decodeNews(decoded.json));
        else
          for (const one of this.#options.onWay?.(from, decoded, this.site!) ?? [decoded]) {
            const frame = sentFrame(from, one);
            if (frame !== undefined) this.said.push(frame);
            other.post(one);
          }
        await new Promise((resolve) => setImmediate(resolve));
      },
      end: () => Promise.resolve(),
    };
  }
}

export const newsOf = <T extends News["type"]>({ news }: RunningSite, type: T): readonly NewsOf<T>[] =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- picked by their type
  news.filter((item) => item.type === type) as unknown as readonly NewsOf<T>[];

/** Of frames that a cell sends, for hooks that act on one of them. */
export const sentFrame = (from: "cell" | "gateway", message: PipeMessage): ClientFrame | undefined =>
  from === "cell" && message.type === "frame" ? decodeClientFrame(message.bytes) : undefined;

export const heardFrame = (from: "cell" | "gateway", message: PipeMessage): CoordinatorFrame | undefined =>
  from === "gateway" && message.type === "frame" ? decodeCoordinatorFrame(message.bytes) : undefined;

/** The cell's folder of the job. */
export const cellFolder = ({ job }: Federation, { folder }: Pick<RunningSite, "folder">): string =>
  path.join(folder, "cell", "jobs", bytesToHex(job.contractHash).slice(0, 16));

export const modelOf = (federation: Federation, site: RunningSite, round: number): Float32Array =>
  floatsOf(
    federation.job,
    fs.readFileSync(path.join(cellFolder(federation, site), "models", `round-${round}.safetensors`)),
  );
