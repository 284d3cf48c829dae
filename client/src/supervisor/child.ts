/** One of the two processes, behind its wall: its pipe, its output and its end. */
import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import { Readable } from "node:stream";
import { invariant } from "@bulkhead/base";
import { CHILD_OUTPUT } from "../child-channel.ts";
import { MessageWriter, messagesOf } from "../frame-stream.ts";
import { ChildOutput } from "./child-output.ts";
import { nodeArguments } from "./wall/code.ts";
import type { View } from "./wall/view.ts";
import type { Wall } from "./wall/wall.ts";

export interface ChildOptions {
  readonly name: "cell" | "gateway";
  readonly program: URL;
  readonly wall: Wall;
  readonly view: View;
  /** The folder for what it prints. */
  readonly output: string;
}

export class Child {
  readonly name: ChildOptions["name"];
  readonly pipe: MessageWriter;
  /** Says how it ended, with the last line that it printed. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  readonly #messages: Readable;
  #isOver = false;

  constructor({ name, program, wall, view, output }: ChildOptions) {
    const [command, ...rest] = wall.behind(view, [process.execPath, ...nodeArguments(program)]);
    const printed = new ChildOutput(path.join(output, `${name}.log`));
    this.name = name;
    // A session of its own: signals of the terminal are for the supervisor alone.
    this.#process = spawn(command!, rest, {
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      env: view.environment,
      detached: true,
      cwd: "/",
    });
    const { stdin, stdout, stderr, stdio } = this.#process;
    const messages = stdio[CHILD_OUTPUT];
    invariant(stdin !== null && messages instanceof Readable, "a child is started with pipes");
    if (stdout !== null) printed.take(stdout);
    if (stderr !== null) printed.take(stderr);
    messages.on("error", () => undefined);
    this.pipe = new MessageWriter(stdin);
    this.#messages = messages;
    this.ended = new Promise((resolve) => {
      const over = (how: string): void => {
        if (this.#isOver) return;
        this.#isOver = true;
        const last = printed.lastLine;
        printed.close();
        resolve(last === undefined ? how : `${how}; its last line: ${last}`);
      };
      this.#process.on("error", (error) => over(`it could not be started (${error.message})`));
      this.#process.on("close", (code, signal) => over(`it ended with ${signal ?? `code ${code}`}`));
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** As they come; they end with the process. A message that is too long throws. */
  get messages(): AsyncIterable<Uint8Array> {
    return messagesOf(this.#messages);
  }

  /** With all that it has started. */
  kill(): void {
    const { pid } = this.#process;
    if (this.#isOver || pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }

  /** Waits for its own end for a while, then kills it. */
  async end(withinMs: number): Promise<void> {
    void this.pipe.end();
    const timer = setTimeout(() => this.kill(), withinMs);
    await this.ended;
    clearTimeout(timer);
  }
}
