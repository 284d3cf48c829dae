/** A child process's end of the pipe to its supervisor, and what a child is made of: one task over that pipe. */
import fs from "node:fs";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { MessageWriter, messagesOf } from "./frame-stream.ts";
import { decodePipeMessage, encodePipeMessage, type PipeMessage } from "./pipe.ts";

export interface Channel {
  /** Read no faster than they are taken; at the end the supervisor is gone. Anything but a message throws. */
  readonly messages: AsyncIterable<PipeMessage>;
  /** Resolves once the pipe takes more; what is sent keeps its order, awaited or not. */
  send(message: PipeMessage): Promise<void>;
  /** Resolves when all that was sent has been handed to the system. */
  end(): Promise<void>;
}

export const openChannel = (input: Readable, output: Writable): Channel => {
  const writer = new MessageWriter(output);
  return {
    messages: decoded(input),
    send: (message) => writer.send(encodePipeMessage(message)),
    end: () => writer.end(),
  };
};

async function* decoded(input: Readable): AsyncGenerator<PipeMessage> {
  for await (const message of messagesOf(input)) yield decodePipeMessage(message);
}

const LAST_WORDS_MS = 1000;

/** Where a child's messages go out; in they come on stdin. Stdout and stderr are for whoever prints. */
export const CHILD_OUTPUT = 3;

/**
 * Runs a child's task to its end, and the process with it. Stdin is read by the event loop: a read of a plain
 * descriptor would hold a thread of the pool, for which the end of the process waits.
 */
export const runChild = (task: (channel: Channel) => Promise<void>): void => {
  const output = fs.createWriteStream("", { fd: CHILD_OUTPUT, autoClose: false });
  const channel = openChannel(process.stdin, output);
  // The terminal's signals are for the supervisor, which tells us.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
  endWithParent();
  task(channel).then(
    async () => {
      await channel.end();
      // oxlint-disable-next-line unicorn/no-process-exit -- open sockets and threads do not keep a child
      process.exit(0);
    },
    async (error: unknown) => {
      console.error(error);
      await Promise.race([channel.end(), sleep(LAST_WORDS_MS)]);
      // oxlint-disable-next-line unicorn/no-process-exit -- the same
      process.exit(1);
    },
  );
};

const LOOK_EVERY_MS = 1000;

/** Without namespaces nobody ends a child whose supervisor was killed, and it may be too busy to read the pipe's end. */
const endWithParent = (): void => {
  const { ppid } = process;
  setInterval(() => {
    // oxlint-disable-next-line unicorn/no-process-exit -- nobody is left to answer to
    if (process.ppid !== ppid) process.exit(1);
  }, LOOK_EVERY_MS).unref();
};
