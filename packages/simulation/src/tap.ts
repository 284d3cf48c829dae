/** All that a coordinator has heard and said, and what it may do with it: the place where it cheats. */
import type { Secret } from "@bulkhead/base";
import type {
  AttemptContext,
  AttemptName,
  ClientFrame,
  ClientMessage,
  CoordinatorFrame,
  CoordinatorMessage,
  MessageOf,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";

/** All that passed, and the provider's key; what a coordinator does not have is any member's key. */
export interface Tap {
  /** The latest of its type. */
  readonly received: <T extends ClientMessage["type"]>(
    type: T,
    from: MemberId,
  ) => MessageOf<ClientMessage, T> | undefined;
  readonly sent: <T extends CoordinatorMessage["type"]>(
    type: T,
    to: MemberId,
  ) => MessageOf<CoordinatorMessage, T> | undefined;
  readonly providerKey: Secret;
  readonly context: (round: number, attempt: number) => AttemptContext;
}

/** Says something else, or the same; gives what goes out in place of `frame`. */
export type Cheat = (frame: CoordinatorFrame, to: MemberId, tap: Tap) => readonly CoordinatorFrame[];

/** Gives what is said to a member because of its message, beside what the honest coordinator makes of it. */
export type Reply = (message: ClientMessage, from: MemberId, tap: Tap) => readonly CoordinatorMessage[];

export const tapOf = (providerKey: Secret, contextOf: (name: AttemptName) => AttemptContext) => {
  const heard = new Map<string, ClientMessage>();
  const said = new Map<string, CoordinatorMessage>();
  const tap: Tap = {
    received: (type, from) => ofType(heard.get(`${type} ${from}`), type),
    sent: (type, to) => ofType(said.get(`${type} ${to}`), type),
    providerKey,
    context: (round, attempt) => contextOf({ round, attempt }),
  };
  return {
    hear: (from: MemberId, frame: ClientFrame): void => {
      if (frame.type !== "chunk") heard.set(`${frame.type} ${from}`, frame);
    },
    replies: (from: MemberId, frame: ClientFrame, reply: Reply | undefined): readonly CoordinatorMessage[] =>
      frame.type === "chunk" ? [] : (reply?.(frame, from, tap) ?? []),
    alter: (frame: CoordinatorFrame, to: MemberId, cheat: Cheat | undefined): readonly CoordinatorFrame[] => {
      const altered = cheat?.(frame, to, tap) ?? [frame];
      for (const one of altered) if (one.type !== "chunk") said.set(`${one.type} ${to}`, one);
      return altered;
    },
  };
};

const ofType = <M extends { readonly type: string }, T extends M["type"]>(
  message: M | undefined,
  type: T,
): MessageOf<M, T> | undefined => (isOfType(message, type) ? message : undefined);

const isOfType = <M extends { readonly type: string }, T extends M["type"]>(
  message: M | undefined,
  type: T,
): message is MessageOf<M, T> => message?.type === type;
