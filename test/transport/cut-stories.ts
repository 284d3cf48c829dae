/** The law of a session, as a property over sizes of messages and the places at which its links are cut. */
import { u32ToBytes } from "@bulkhead/base";
import type { Link, Session } from "@bulkhead/transport";
import fc from "fast-check";
import { expect } from "vitest";
import { acceptorOf, dialAs, member } from "./federation.ts";
import { relay, type Relay } from "./relay.ts";
import { turns, until, within } from "./wait-for.ts";

export const SMALL_LIMITS = {
  maxMessageBytes: 2 ** 16,
  maxUnacknowledgedBytes: 2 ** 18,
  maxUntakenBytes: 2 ** 16,
  acknowledgeAfterMs: 2,
};

export const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

/** The numbers with which the messages begin. */
export const heardBy = (session: Session): number[] => {
  const heard: number[] = [];
  session.onMessage((message) => {
    heard.push(new DataView(message.buffer, message.byteOffset).getUint32(0));
  });
  return heard;
};

/** A link is cut after so many messages of its handshake and traffic; the last of them may arrive or not. */
interface Cut {
  readonly after: number;
  readonly isDelivered: boolean;
}

/** Dials links of which each is cut as the next of `cuts` says, and those after the last are not. */
export const dialOverCuts = (accept: (link: Link) => void, cuts: readonly Cut[]): (() => Promise<Link>) => {
  const left = [...cuts];
  return () => {
    const next = left.shift();
    let passed = 0;
    const wire: Relay = relay((message) => {
      passed += 1;
      if (passed !== next?.after) return [message];
      queueMicrotask(wire.cut);
      return next.isDelivered ? [message] : [];
    });
    accept(wire.coordinator);
    return Promise.resolve(wire.client);
  };
};

const story = fc.record({
  cuts: fc.array(fc.record({ after: fc.integer({ min: 5, max: 60 }), isDelivered: fc.boolean() }), {
    maxLength: 12,
  }),
  sizes: fc.array(fc.integer({ min: 4, max: 3000 }), { minLength: 1, maxLength: 120 }),
  restEvery: fc.integer({ min: 1, max: 30 }),
  rekeyBytes: fc.integer({ min: 50, max: 20_000 }),
});

export const cutStories = fc.asyncProperty(story, async ({ cuts, sizes, restEvery, rekeyBytes }) => {
  const opened: Session[] = [];
  const common = { limits: SMALL_LIMITS, resumeMs: 5000, rekeyBytes };
  const acceptor = acceptorOf({ ...common, onSession: (session) => opened.push(session) });
  const session = dialAs(
    member,
    dialOverCuts((link) => {
      acceptor.accept(link);
    }, cuts),
    common,
  );
  await until("a session", () => opened.length > 0);
  const [there] = opened;
  if (there === undefined) throw new Error("nobody there");
  const [here, atCoordinator] = [heardBy(session), heardBy(there)];
  const talk = async (speaker: Session): Promise<void> => {
    for (const [i, size] of sizes.entries()) {
      const message = new Uint8Array(size);
      message.set(u32ToBytes(i));
      await speaker.send(message);
      if (i % restEvery === 0) await turns(1);
    }
    await speaker.flush();
  };
  await within("all to be said", Promise.all([talk(session), talk(there)]));
  expect(here).toEqual(upTo(sizes.length));
  expect(atCoordinator).toEqual(upTo(sizes.length));
  expect(opened).toHaveLength(1);
  session.close();
  acceptor.close();
});
