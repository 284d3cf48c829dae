/**
 * Calls into a worker thread and answers out of it. The two ends stand together: {@link openThreadCalls} where the
 * thread is wanted, {@link serveThreadCalls} in the module that runs as the thread.
 */
import { parentPort } from "node:worker_threads";
import { InputError, type InputProblem } from "@bulkhead/base";
import { startThread } from "./thread.ts";

export interface ThreadCalls {
  /**
   * What the thread's function gives for `request` (structured clones; shared memory stays shared). Rejects with what
   * it throws, an `InputError` as one and all else as a plain `Error`, and with the thread's own end if that comes
   * first. `onEvent` hears what the function tells meanwhile.
   */
  readonly call: (request: unknown, onEvent?: (event: unknown) => void) => Promise<unknown>;
  /** Ends the thread; calls still open reject. */
  readonly close: () => Promise<void>;
}

interface Request {
  readonly id: number;
  readonly request: unknown;
}

type Reply =
  | { readonly type: "event"; readonly id: number; readonly event: unknown }
  | { readonly type: "done"; readonly id: number; readonly result: unknown }
  | { readonly type: "refused"; readonly id: number; readonly problem: InputProblem }
  | { readonly type: "failed"; readonly id: number; readonly error: Error };

interface OpenCall {
  readonly onEvent: ((event: unknown) => void) | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Starts the thread as {@link startThread} does. It keeps the process alive only while a call is open. */
export const openThreadCalls = (moduleUrl: URL, data?: unknown): ThreadCalls => {
  const thread = startThread(moduleUrl, data);
  const open = new Map<number, OpenCall>();
  let nextId = 0;
  let ended: Error | undefined;

  const end = (error: Error): void => {
    ended ??= error;
    for (const { reject } of open.values()) reject(ended);
    open.clear();
    thread.unref();
  };
  thread.on("message", (reply: Reply) => {
    const call = open.get(reply.id);
    if (reply.type === "event") return call?.onEvent?.(reply.event);
    open.delete(reply.id);
    if (open.size === 0) thread.unref();
    if (reply.type === "done") return call?.resolve(reply.result);
    return call?.reject(reply.type === "refused" ? new InputError(reply.problem) : reply.error);
  });
  thread.on("error", (error) => end(asError(error)));
  thread.on("exit", (code) => end(new Error(`a worker thread ended by itself, with code ${code}`)));
  thread.unref();

  return {
    call: async (request, onEvent) => {
      if (ended !== undefined) throw ended;
      const id = nextId++;
      thread.postMessage({ id, request } satisfies Request);
      thread.ref();
      return new Promise((resolve, reject) => open.set(id, { onEvent, resolve, reject }));
    },
    close: async () => {
      end(new Error("the worker thread was closed"));
      await thread.terminate();
    },
  };
};

/** Answers every call with what `perform` gives or throws; for use at the end of a thread's module. */
export const serveThreadCalls = (
  perform: (request: unknown, tell: (event: unknown) => void) => unknown,
): void => {
  const port = parentPort;
  if (port === null) throw new Error("this module runs as a worker thread only");
  const answer = async ({ id, request }: Request): Promise<Reply> => {
    try {
      const tell = (event: unknown) => port.postMessage({ type: "event", id, event } satisfies Reply);
      return { type: "done", id, result: await perform(request, tell) };
    } catch (error) {
      // A clone of an error keeps its message and nothing else.
      return error instanceof InputError
        ? { type: "refused", id, problem: partsOf(error) }
        : { type: "failed", id, error: asError(error) };
    }
  };
  port.on("message", (request: Request) => {
    void answer(request).then((reply) => port.postMessage(reply));
  });
};

const partsOf = ({ code, place, problem, cure }: InputProblem): InputProblem => ({
  code,
  place,
  problem,
  cure,
});

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
