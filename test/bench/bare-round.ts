/**
 * The floor of a round between processes: as many members as there are send and get what a round's messages are long,
 * over plain WebSockets, each waiting for all at the end of each exchange. No cryptography, no journal, no wall.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { dialWebSocket, type Link, listenWebSocket } from "@bulkhead/transport";

/** What goes up and comes down in each exchange, in bytes: adverts, shares, masked input, agreement, shares, result. */
export type Exchanges = readonly (readonly [up: number, down: number])[];

export const exchangesOf = (members: number, vectorBytes: number): Exchanges => [
  [200, 120 * members],
  [150 * members, 150 * members],
  [vectorBytes, 100],
  [120, 120 * members],
  [100 * members, vectorBytes],
];

/** Gives the seconds that each round took. */
export const playBareRounds = async (
  members: number,
  exchanges: Exchanges,
  rounds: number,
): Promise<readonly number[]> => {
  const links: Link[] = [];
  let heard = 0;
  let whenAll: () => void = () => undefined;
  const listener = await listenWebSocket({
    host: "127.0.0.1",
    port: 0,
    healthz: () => ({}),
    onLink: (link) => {
      link.admit();
      link.onMessage(() => {
        heard += 1;
        if (heard % members === 0) whenAll();
      });
      links.push(link);
    },
  });
  const allHeard = () =>
    new Promise<void>((resolve) => {
      whenAll = resolve;
    });
  const joined = allHeard();
  const processes = Array.from({ length: members }, () =>
    fork(fileURLToPath(import.meta.url), [
      `ws://127.0.0.1:${listener.port}`,
      exchanges.map(([up]) => up).join(","),
    ]),
  );
  await joined;
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = performance.now();
    for (const [, down] of exchanges) {
      const all = allHeard();
      const message = new Uint8Array(down);
      for (const link of links) void link.send(message);
      await all;
    }
    seconds.push((performance.now() - before) / 1000);
  }
  for (const process of processes) process.kill();
  await listener.close();
  return seconds;
};

const takePart = async (url: string, upLengths: readonly number[]): Promise<void> => {
  const link = await dialWebSocket({ url, proxy: "none" });
  let at = 0;
  link.onMessage(() => {
    void link.send(new Uint8Array(upLengths[at % upLengths.length]!));
    at += 1;
  });
  await link.send(new Uint8Array(1));
};

/** What the other process passed on: lengths with commas between them. */
const upLengthsOf = (text: string): readonly number[] => text.split(",").map(Number);

const [url, exchanges] = process.argv.slice(2);
if (process.send !== undefined && url?.startsWith("ws:")) await takePart(url, upLengthsOf(exchanges!));
