/** The long runs behind test/transport: more cuts, cuts in real sockets, and every byte of a handshake. */
import { u32ToBytes } from "@bulkhead/base";
import {
  acceptSecureLink,
  dialWebSocket,
  listenWebSocket,
  openSecureLink,
  type Link,
  type Session,
} from "@bulkhead/transport";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cutStories, heardBy, upTo } from "../transport/cut-stories.ts";
import { acceptOptions, acceptorOf, dialAs, member, openOptions } from "../transport/federation.ts";
import { startForwardProxy } from "../transport/forward-proxy.ts";
import { urlOf } from "../transport/link-pairs.ts";
import { flipBit, relay, type Direction } from "../transport/relay.ts";
import { hasOpenssl, makeThrowawayTls } from "../transport/throwaway-tls.ts";
import { sleep, until, watch, within } from "../transport/wait-for.ts";

test("a session delivers exactly once and in order in 200 stories of cut links", async () => {
  await fc.assert(cutStories, { numRuns: 200 });
});

test.skipIf(!hasOpenssl)(
  "a session over TLS through a proxy survives a hundred broken connections",
  async () => {
    const messages = 2000;
    const tls = makeThrowawayTls();
    const proxy = await startForwardProxy();
    const opened: Session[] = [];
    const acceptor = acceptorOf({ resumeMs: 20_000, onSession: (session) => opened.push(session) });
    const listener = await listenWebSocket({
      host: "127.0.0.1",
      port: 0,
      tls: tls.server,
      limits: { connectionsPerAddress: 1000 },
      healthz: () => ({}),
      onLink: (link) => {
        acceptor.accept(link);
      },
    });
    const dial = (): Promise<Link> =>
      dialWebSocket({ url: urlOf(listener, "wss"), proxy: proxy.url, extraRoots: tls.authority });
    const session = dialAs(member, dial, { resumeMs: 20_000 });
    const { states } = watch(session);
    // On both sides: cut before that, the site begins another, as it should.
    await until("a session", () => opened.length > 0 && states.some(({ type }) => type === "open"));
    const [there] = opened;
    if (there === undefined) throw new Error("nobody there");
    const [here, atCoordinator] = [heardBy(session), heardBy(there)];
    const isOver = new AbortController();
    const talk = async (speaker: Session): Promise<void> => {
      for (const i of upTo(messages)) {
        const message = new Uint8Array(4 + ((i * 7919) % 40_000));
        message.set(u32ToBytes(i));
        await speaker.send(message);
      }
      await speaker.flush();
    };
    let cuts = 0;
    const cutting = (async () => {
      for (; !isOver.signal.aborted && cuts < 100; cuts++) {
        await sleep(10 + ((cuts * 37) % 60));
        proxy.cut();
      }
    })();
    await within("all to be said", Promise.all([talk(session), talk(there)]), 200_000);
    isOver.abort();
    await cutting;
    expect(here).toEqual(upTo(messages));
    expect(atCoordinator).toEqual(upTo(messages));
    expect(opened).toHaveLength(1);
    expect(cuts).toBeGreaterThan(20);
    expect(states.filter(({ type }) => type === "restored").length).toBeGreaterThan(10);
    session.close();
    acceptor.close();
    await listener.close();
    await proxy.close();
  },
);

test("no handshake with a bit changed in any one of its bytes opens a link on both sides", async () => {
  const shake = async (direction?: Direction, index?: number, bit = 0) => {
    const by = relay((message, i, towards) =>
      towards === direction && i === index ? [flipBit(message, bit)] : [message],
    );
    const accepting = acceptSecureLink(by.coordinator, acceptOptions());
    const opening = await openSecureLink(by.client, openOptions());
    return { opening, failure: await accepting, by };
  };
  const { by: honest } = await shake();
  for (const direction of ["to-coordinator", "to-client"] as const)
    for (const index of [0, 1])
      for (const byte of upTo(honest.seen[direction][index]?.length ?? 0)) {
        const { opening, failure } = await shake(direction, index, 8 * byte + ((5 * byte) % 8));
        expect(opening.type).toBe("failed");
        // Only the last message can be lost on a coordinator that has already decided.
        if (direction !== "to-client" || index === 0) expect(failure).toBeDefined();
      }
});
