/**
 * Starts cell and gateway behind the wall and passes whole messages between them, by the table in pipe.ts. A gateway
 * that ends is started again, since it holds nothing that matters; with the cell the run ends, and the same command
 * goes on from what the cell has saved.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type InputProblem, type Secret, ShapeError } from "@bulkhead/base";
import { decodeNews, mayTell, type News, type NewsOf, problemNews } from "../news.ts";
import {
  decodePipeMessage,
  encodePipeMessage,
  passphraseMessage,
  type PipeMessage,
  pipeTypeOf,
  type PipeType,
  ROUTES,
  type Destination,
} from "../pipe.ts";
import { type CellSettings, encodeSettings, type GatewaySettings } from "../settings.ts";
import { Child, type ChildOptions } from "./child.ts";
import type { View } from "./wall/view.ts";
import type { Wall } from "./wall/wall.ts";

export interface SupervisorOptions {
  readonly wall: Wall;
  readonly cell: { readonly settings: CellSettings; readonly view: View };
  readonly gateway: { readonly settings: GatewaySettings; readonly view: View };
  /** The gathered contract's bytes. */
  readonly contract: Uint8Array;
  /** Wiped once it is on its way to the cell. */
  readonly passphrase: Secret;
  /** The folder for what the two print. */
  readonly output: string;
  /** Nothing that comes later from the same process is passed on before it has resolved. */
  readonly onNews: (news: News, from: ChildOptions["name"]) => void | Promise<void>;
  /** In place of our own programs, in tests. */
  readonly programs?: { readonly cell?: URL; readonly gateway?: URL };
}

/** How it ended, and what the two said was wrong last. */
export interface Ending {
  readonly outcome: NewsOf<"outcome">;
  readonly problem: InputProblem | undefined;
}

/** The programs that the two run. */
const CELL = new URL("../cell/main.ts", import.meta.url);
const GATEWAY = new URL("../gateway/main.ts", import.meta.url);

/** For a cell that was asked to stop: a step of training has to end, a leave to be sent. */
const STOP_MS = 20_000;
/** For a gateway whose cell is gone: what was sent last goes out. */
const FAREWELL_MS = 8_000;
const MOST_RESTARTS = 5;
const RESTART_AFTER_MS = 500;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #cell: Child;
  #gateway: Child;
  #restarts = 0;
  #outcome: NewsOf<"outcome"> | undefined;
  readonly #problems: { cell?: InputProblem; gateway?: InputProblem } = {};
  /** No gateway is needed any more: the cell has said how it ended, or the gateway that there is no way. */
  #isEnding = false;
  #isStopping = false;
  #stopTimer: NodeJS.Timeout | undefined;
  /** Of this process: a disk that is full. */
  #failure: { readonly error: unknown } | undefined;

  /** Both are running when it returns. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#cell = this.#start("cell");
    this.#gateway = this.#start("gateway");
  }

  /** Resolves when both have ended; rejects with what went wrong on this side, both ended too. */
  async run(): Promise<Ending> {
    const { cell, passphrase } = this.#options;
    const secret = passphraseMessage(passphrase);
    passphrase.wipe();
    this.#begin(this.#cell, cell.settings);
    this.#cell.pipe.sendSecret(secret);
    const gateways = this.#keepGateway().catch(this.#fail);
    await this.#relay(this.#cell).catch(this.#fail);
    const how = await this.#cell.ended;
    clearTimeout(this.#stopTimer);
    this.#isEnding = true;
    if (this.#outcome === undefined && !this.#isStopping) this.#problems.cell ??= endedProblem("cell", how);
    await this.#gateway.end(FAREWELL_MS);
    await gateways;
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#ending();
  }

  /** Asks the cell to end, with or without a leave for good; after a while it is no longer asked. */
  stop({ withdraws }: { readonly withdraws: boolean }): void {
    this.#isStopping = true;
    this.#say(this.#cell, { type: "stop", withdraws });
    this.#stopTimer ??= setTimeout(() => this.#cell.kill(), STOP_MS);
  }

  readonly #fail = (error: unknown): void => {
    this.#failure ??= { error };
    this.#isEnding = true;
    this.#cell.kill();
    this.#gateway.kill();
  };

  #start(name: ChildOptions["name"]): Child {
    const { wall, output, programs, [name]: part } = this.#options;
    const program = programs?.[name] ?? (name === "cell" ? CELL : GATEWAY);
    return new Child({ name, program, wall, view: part.view, output });
  }

  #begin(child: Child, settings: CellSettings | GatewaySettings): void {
    this.#say(child, { type: "start", settings: encodeSettings(settings), contract: this.#options.contract });
  }

  async #keepGateway(): Promise<void> {
    for (;;) {
      this.#begin(this.#gateway, this.#options.gateway.settings);
      await this.#relay(this.#gateway);
      const how = await this.#gateway.ended;
      if (this.#isEnding) return;
      const problem = endedProblem("gateway", how);
      this.#note("gateway", problem);
      await this.#options.onNews(problemNews(problem), "gateway");
      this.#restarts += 1;
      if (this.#restarts > MOST_RESTARTS) return this.#say(this.#cell, { type: "over", code: "failed" });
      await sleep(RESTART_AFTER_MS * 2 ** (this.#restarts - 1));
      if (this.#cell.isOver) return;
      this.#gateway = this.#start("gateway");
    }
  }

  /** Until the child ends; one that says what it may not say is ended. */
  async #relay(child: Child): Promise<void> {
    try {
      for await (const message of child.messages) await this.#pass(child, message);
    } catch (error) {
      child.kill();
      if (!(error instanceof ShapeError)) throw error;
      this.#note(child.name, unknownProblem(child.name));
    }
  }

  async #pass(child: Child, message: Uint8Array): Promise<void> {
    const type = pipeTypeOf(message);
    const destination = type && routeOf(child.name, type);
    if (destination === undefined) throw new ShapeError("type", `a message that a ${child.name} may say`);
    if (type === "over" || type === "close") this.#isEnding = true;
    if (destination === "cell") await this.#cell.pipe.send(message);
    else if (destination === "gateway") await this.#gateway.pipe.send(message);
    else await this.#hear(child.name, message);
  }

  async #hear(from: ChildOptions["name"], message: Uint8Array): Promise<void> {
    const decoded = decodePipeMessage(message);
    if (decoded.type !== "news") return;
    const news = decodeNews(decoded.json);
    if (!mayTell(from, news)) throw new ShapeError("news", `what a ${from} may tell`);
    if (news.type === "problem") this.#note(from, news);
    if (news.type === "outcome") [this.#outcome, this.#isEnding] = [news, true];
    await this.#options.onNews(news, from);
  }

  #note(from: ChildOptions["name"], problem: InputProblem): void {
    this.#problems[from] = problem;
  }

  #say(child: Child, message: PipeMessage): void {
    void child.pipe.send(encodePipeMessage(message));
  }

  #ending(): Ending {
    const { cell, gateway } = this.#problems;
    const outcome = this.#outcome ?? {
      type: "outcome",
      outcome: this.#isStopping ? "stopped" : "failed",
      applied: 0,
    };
    return { outcome, problem: outcome.outcome === "unreachable" ? (gateway ?? cell) : (cell ?? gateway) };
  }
}

const routeOf = (from: ChildOptions["name"], type: PipeType): Destination | undefined =>
  new Map<string, Destination>(Object.entries(ROUTES[from])).get(type);

const endedProblem = (name: string, how: string): InputProblem => ({
  code: `${name}-ended`,
  place: name,
  problem: `the ${name} ended before its time: ${how}`,
  cure: `see output/${name}.log in the state folder; the same command goes on from what was saved`,
});

const unknownProblem = (name: string): InputProblem => ({
  code: `${name}-not-understood`,
  place: name,
  problem: `the ${name} said what it may not say, and was ended`,
  cure: `see output/${name}.log in the state folder`,
});
