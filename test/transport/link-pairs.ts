/** Ways to come by two links that are each other's far end: the contract of a link is tested on each. */
import {
  acceptSecureLink,
  dialWebSocket,
  listenWebSocket,
  memoryLinkPair,
  openSecureLink,
  type Link,
  type Listener,
} from "@bulkhead/transport";
import { acceptOptions, openOptions } from "./federation.ts";
import { within } from "./wait-for.ts";

export interface LinkPair {
  readonly a: Link;
  readonly b: Link;
  readonly done: () => Promise<void>;
}

interface PairOptions {
  readonly maxFrameBytes: number;
  readonly highWaterBytes: number;
}

export const memoryPair = (options: PairOptions): Promise<LinkPair> => {
  const [a, b] = memoryLinkPair(options);
  return Promise.resolve({ a, b, done: () => Promise.resolve() });
};

/** `a` dials. */
export const webSocketPair = async (limits: PairOptions): Promise<LinkPair> => {
  let onLink: (link: Link) => void = () => undefined;
  const accepted = new Promise<Link>((resolve) => {
    onLink = resolve;
  });
  const listener = await listenWebSocket({
    host: "127.0.0.1",
    port: 0,
    limits,
    healthz: () => ({}),
    onLink: (link) => {
      link.admit();
      onLink(link);
    },
  });
  const a = await dialWebSocket({ url: urlOf(listener), proxy: "none", ...limits });
  return { a, b: await accepted, done: () => listener.close() };
};

export const urlOf = ({ port }: Listener, scheme = "ws", host = "127.0.0.1"): string =>
  `${scheme}://${host}:${port}`;

/** `a` opens. */
export const securePair = async (options: PairOptions): Promise<LinkPair> => {
  const below = memoryLinkPair({ ...options, maxFrameBytes: options.maxFrameBytes + 16 });
  const { a, b } = await secure(below);
  return { a, b, done: () => Promise.resolve() };
};

export const secure = async ([below, farBelow]: [Link, Link], rekeyBytes = 2 ** 30) => {
  const accepted = new Promise<Link>((resolve) => {
    void acceptSecureLink(farBelow, { ...acceptOptions(resolve), rekeyBytes });
  });
  const opening = await openSecureLink(below, { ...openOptions(), rekeyBytes });
  if (opening.type !== "open") throw new Error(`not open: ${opening.failure.type}`);
  return { a: opening.link, b: await within("the accepted link", accepted) };
};
