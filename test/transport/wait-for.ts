/** Waits for what a test expects to come, and says what it waited for when it does not. */
import type { Link, LinkClosed, Session, SessionOver, SessionState } from "@bulkhead/transport";

/** A busy machine is slow, and nothing here waits for what must not come. */
const PATIENCE_MS = 15_000;

export const within = async <T>(what: string, promise: Promise<T>, ms = PATIENCE_MS): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited ${ms} ms for ${what}`));
    }, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Lets everything that needs no time happen. */
export const turns = async (count = 50): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

export const until = async (what: string, isSo: () => boolean, ms = PATIENCE_MS): Promise<void> => {
  const end = performance.now() + ms;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await sleep(1);
  }
};

export const closeOf = (link: Link): Promise<LinkClosed> =>
  within(
    "the link's end",
    new Promise((resolve) => {
      link.onClose(resolve);
    }),
  );

export interface Watched {
  readonly states: SessionState[];
  readonly over: Promise<SessionOver>;
}

export const watch = (session: Session): Watched => {
  const states: SessionState[] = [];
  const over = new Promise<SessionOver>((resolve) => {
    session.onState((state) => {
      states.push(state);
      if (state.type === "over") resolve(state.reason);
    });
  });
  return { states, over };
};

/** Whether a promise is still pending after everything that needs no time has happened. */
export const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await turns();
  return !settled;
};
