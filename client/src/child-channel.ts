/** A child process's end of the pipe to its supervisor, and what a child is made of: one task over that pipe. */
import fs from "node:fs";
import { MessageWriter, messagesOf } from "./frame-stream.ts";

/** Encoded messages of the pipe, both ways. */
export interface Channel {
  /** Read no faster than they are taken; they end when the supervisor is gone. */
  readonly messages: AsyncIterable<Uint8Array>;
  /** Resolves once the pipe takes more; what is sent keeps its order, awaited or not. */
  readonly send: (message: Uint8Array) => Promise<void>;
}

/** Where a child's messages go out; in they come on stdin. Stdout and stderr are for whoever prints. */
export const CHILD_OUTPUT = 3;

/**
 * Runs a child's task to its end, and the process with it. Stdin is read by the event loop: a read of a plain
 * descriptor would hold a thread of the pool, for which the end of the process waits.
 */
export const runChild = (task: (channel: Channel) => Promise<void>): void => {
  const writer = new MessageWriter(fs.createWriteStream("", { fd: CHILD_OUTPUT, autoClose: false }));
  const channel = {
    messages: messagesOf(process.stdin),
    send: (message: Uint8Array) => writer.send(message),
  };
  // The terminal's signals are for the supervisor, which tells us.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
  task(channel).then(
    async () => {
      await writer.end();
      // oxlint-disable-next-line unicorn/no-process-exit -- open sockets and threads do not keep a child
      process.exit(0);
    },
    (error: unknown) => {
      console.error(error);
      // oxlint-disable-next-line unicorn/no-process-exit -- the same
      process.exit(1);
    },
  );
};
