/** Somebody on the way: sees every message between two links, and may change, drop, repeat or keep it. */
import { memoryLinkPair, type Link } from "@bulkhead/transport";

export type Direction = "to-coordinator" | "to-client";

/** What goes on in the place of the message, which is the `index`th in its direction. */
export type Meddle = (message: Uint8Array, index: number, direction: Direction) => readonly Uint8Array[];

export interface Relay {
  readonly client: Link;
  readonly coordinator: Link;
  readonly seen: Readonly<Record<Direction, Uint8Array[]>>;
  /** Ends both halves, as a broken wire does. */
  readonly cut: () => void;
}

export const relay = (meddle: Meddle = (message) => [message]): Relay => {
  const [client, nearClient] = memoryLinkPair();
  const [nearCoordinator, coordinator] = memoryLinkPair();
  const seen = { "to-coordinator": [], "to-client": [] };
  pass({ from: nearClient, to: nearCoordinator, direction: "to-coordinator", seen, meddle });
  pass({ from: nearCoordinator, to: nearClient, direction: "to-client", seen, meddle });
  const cut = (): void => {
    nearClient.close("cut");
    nearCoordinator.close("cut");
  };
  return { client, coordinator, seen, cut };
};

interface Passing {
  readonly from: Link;
  readonly to: Link;
  readonly direction: Direction;
  readonly seen: Readonly<Record<Direction, Uint8Array[]>>;
  readonly meddle: Meddle;
}

const pass = ({ from, to, direction, seen, meddle }: Passing): void => {
  from.onMessage((message) => {
    const index = seen[direction].push(message) - 1;
    for (const changed of meddle(message.slice(), index, direction)) void to.send(changed);
  });
  from.onClose(() => {
    to.close("the other half is gone");
  });
};

export const flipBit = (bytes: Uint8Array, bit: number): Uint8Array => {
  const flipped = bytes.slice();
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
};
