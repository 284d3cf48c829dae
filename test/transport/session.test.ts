/** Sessions: messages exactly once and in order over links that come and go, and a stated reason when that cannot be. */
import { InputError, u32ToBytes } from "@bulkhead/base";
import { randomBytes } from "@bulkhead/crypto";
import {
  acknowledgementFrame,
  backoffMs,
  encodePlainRefusal,
  farewellFrame,
  memoryLinkPair,
  messageFrame,
  openSecureLink,
  sessionOverProblem,
  SessionOverError,
  stampAcknowledged,
  type AcceptSessionsOptions,
  type DialSessionOptions,
  type Link,
  type LinkFailure,
  type MemberPeer,
  type Session,
} from "@bulkhead/transport";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { cutStories, dialOverCuts, heardBy, SMALL_LIMITS, upTo } from "./cut-stories.ts";
import {
  acceptorOf,
  certificateOf,
  dialAs,
  member,
  newMember,
  openOptions,
  secondMember,
} from "./federation.ts";
import { relay, type Relay } from "./relay.ts";
import { closeOf, isPending, sleep, turns, until, watch, within, type Watched } from "./wait-for.ts";

interface Accepted extends Watched {
  readonly session: Session<MemberPeer>;
}

/** A coordinator whose sessions are kept, and members that dial it over links that a test can cut. */
const house = (options: Partial<AcceptSessionsOptions> = {}) => {
  const accepted: Accepted[] = [];
  const turnedAway: LinkFailure[] = [];
  const relays: Relay[] = [];
  const acceptor = acceptorOf({
    limits: SMALL_LIMITS,
    onSession: (session) => accepted.push({ session, ...watch(session) }),
    onTurnedAway: (failure) => turnedAway.push(failure),
    ...options,
  });
  const dial = (): Promise<Link> => {
    const wire = relay();
    relays.push(wire);
    acceptor.accept(wire.coordinator);
    return Promise.resolve(wire.client);
  };
  const join = (of = member, more: Partial<DialSessionOptions> = {}) => {
    const session = dialAs(of, dial, { limits: SMALL_LIMITS, ...more });
    open.push(session);
    return { session, ...watch(session) };
  };
  return { accepted, turnedAway, relays, acceptor, dial, join };
};

const open: { close: () => void }[] = [];
afterEach(() => {
  for (const session of open.splice(0)) session.close();
});

const keepHouse = (options: Partial<AcceptSessionsOptions> = {}) => {
  const kept = house(options);
  open.push(kept.acceptor);
  return kept;
};

/** A member that speaks the link protocol and then says what it likes. */
const openByHand = async (
  dial: () => Promise<Link>,
  of = member,
  resume?: { sessionId: Uint8Array; lastReceived: number },
) => {
  const opening = await openSecureLink(await dial(), { ...openOptions(of), resume });
  if (opening.type !== "open") return { ...opening, say: () => undefined };
  const say = (frame: Uint8Array): void => {
    void opening.link.send(frame);
  };
  return { ...opening, say };
};

describe("a session", () => {
  test("carries messages both ways and tells who is there", async () => {
    const { accepted, join } = keepHouse();
    const { session, states } = join();
    for (const i of upTo(100)) await session.send(u32ToBytes(i));
    await until("the session", () => accepted.length === 1);
    const [there] = accepted;
    if (there === undefined) throw new Error("nobody there");
    const [here, atCoordinator] = [heardBy(session), heardBy(there.session)];
    for (const i of upTo(100)) await there.session.send(u32ToBytes(i));
    await Promise.all([session.flush(), there.session.flush()]);
    expect(here).toEqual(upTo(100));
    expect(atCoordinator).toEqual(upTo(100));
    expect(there.session.peer).toEqual({
      type: "member",
      memberId: member.memberId,
      gatewayKey: member.gateway.publicKey,
    });
    expect(states).toEqual([{ type: "open" }]);
  });

  test("goes on where it stood after a cut at each point of handshake and traffic", async () => {
    const messages = 12;
    for (const after of upTo(24)) {
      for (const isDelivered of [true, false]) {
        const where = `cut after ${after + 1}, ${isDelivered ? "delivered" : "lost"}`;
        const { accepted, acceptor } = keepHouse();
        const dial = dialOverCuts(
          (link) => {
            acceptor.accept(link);
          },
          [{ after: after + 1, isDelivered }],
        );
        const session = dialAs(member, dial, { limits: SMALL_LIMITS });
        open.push(session);
        const here = heardBy(session);
        const talk = async (speaker: Session): Promise<void> => {
          for (const i of upTo(messages)) {
            await speaker.send(u32ToBytes(i));
            if (i % 3 === 0) await turns(1);
          }
          await speaker.flush();
        };
        await within(where, talk(session));
        // Where the verdict was lost, a session was left behind that its member never knew: the last one counts.
        const there = accepted.at(-1)?.session;
        if (there === undefined) throw new Error("nobody there");
        const atCoordinator = heardBy(there);
        await within(where, talk(there));
        expect(atCoordinator, where).toEqual(upTo(messages));
        expect(here, where).toEqual(upTo(messages));
      }
    }
  });

  test("delivers each message exactly once and in order, however often its links are cut", async () => {
    await fc.assert(cutStories, { numRuns: 25 });
  });

  test("tells of the loss and of the return of its link", async () => {
    const { accepted, relays, join } = keepHouse();
    const { session, states } = join();
    await session.send(u32ToBytes(0));
    await session.flush();
    relays[0]?.cut();
    await session.send(u32ToBytes(1));
    await session.flush();
    expect(states.map(({ type }) => type)).toEqual(["open", "lost", "restored"]);
    expect(states[1]).toMatchObject({ trouble: { type: "link-closed", closed: { type: "closed-by-peer" } } });
    expect(accepted[0]?.states.map(({ type }) => type)).toEqual(["lost", "restored"]);
  });

  test("is over on both sides when it has had no link for too long", async () => {
    const { accepted, relays, acceptor, dial } = keepHouse({ resumeMs: 40 });
    let isCut = false;
    const session = dialAs(member, () => (isCut ? Promise.reject(unreachable("unreachable")) : dial()), {
      resumeMs: 40,
      limits: SMALL_LIMITS,
    });
    const { states, over } = watch(session);
    await session.send(u32ToBytes(7));
    await session.flush();
    isCut = true;
    relays[0]?.cut();
    const waiting = session.send(u32ToBytes(8)).then(() => session.flush());
    expect(await within("the end", over)).toMatchObject({
      type: "link-lost",
      afterMs: 40,
      trouble: { type: "not-reached" },
    });
    await expect(waiting).rejects.toBeInstanceOf(SessionOverError);
    await expect(session.send(u32ToBytes(9))).rejects.toBeInstanceOf(SessionOverError);
    expect(states.map(({ type }) => type)).toEqual(["open", "lost", "over"]);
    const [there] = accepted;
    if (there === undefined) throw new Error("nobody there");
    const heard = heardBy(there.session);
    expect(await within("the end there", there.over)).toMatchObject({ type: "link-lost" });
    expect(heard).toEqual([7]);
    acceptor.close();
  });

  test("does not count the time in which it has a link", async () => {
    const { relays, join } = keepHouse({ resumeMs: 60 });
    const { session, states } = join(member, { resumeMs: 60 });
    await session.send(u32ToBytes(0));
    await session.flush();
    await sleep(90);
    relays[0]?.cut();
    await session.send(u32ToBytes(1));
    await session.flush();
    expect(states.map(({ type }) => type)).toEqual(["open", "lost", "restored"]);
  });

  test("holds its sender back while the peer does not take, and ends where nobody waits", async () => {
    const { accepted, join } = keepHouse();
    const polite = join(secondMember);
    const rude = join(member);
    await until("two sessions", () => accepted.length === 2);
    const large = new Uint8Array(SMALL_LIMITS.maxMessageBytes);
    for (const { session } of accepted) session.onMessage(() => new Promise(() => undefined));
    let held: Promise<void> = Promise.resolve();
    let sent = 0;
    for (; !(await isPending(held)) && sent < 100; sent++) held = polite.session.send(large);
    expect(sent).toBeLessThan(100);
    for (const _ of upTo(100)) void rude.session.send(large);
    expect(await within("the overflow", rude.over)).toEqual({ type: "overflow" });
    const rudeThere = accepted.find(({ session }) => session.peer.memberId === member.memberId);
    rudeThere?.session.onMessage(() => undefined);
    expect(polite.states).toEqual([{ type: "open" }]);
    expect(await isPending(held)).toBe(true);
  });

  test("of a slow reader does not slow the others", async () => {
    const { accepted, join } = keepHouse();
    const [slow, quick] = [join(member), join(secondMember)];
    await until("two sessions", () => accepted.length === 2);
    slow.session.onMessage(() => new Promise(() => undefined));
    const heard = heardBy(quick.session);
    const large = new Uint8Array(SMALL_LIMITS.maxMessageBytes);
    const toSlow = accepted.find(({ session }) => session.peer.memberId === member.memberId)?.session;
    const toQuick = accepted.find(({ session }) => session.peer.memberId === secondMember.memberId)?.session;
    if (toSlow === undefined || toQuick === undefined) throw new Error("nobody there");
    let held: Promise<void> = Promise.resolve();
    while (!(await isPending(held))) held = toSlow.send(large);
    for (const i of upTo(50)) {
      const message = large.slice();
      message.set(u32ToBytes(i));
      await toQuick.send(message);
    }
    await toQuick.flush();
    expect(heard).toEqual(upTo(50));
    expect(await isPending(held)).toBe(true);
  });

  test.each(["overflow", "protocol-violation"] as const)(
    "closes with %s where that is why",
    async (farewell) => {
      const { accepted, join } = keepHouse();
      const { session, over } = join();
      await until("the session", () => accepted.length === 1);
      const [there] = accepted;
      if (there === undefined) throw new Error("nobody there");
      heardBy(there.session);
      session.close(farewell);
      expect(await over).toEqual({ type: "closed-by-us" });
      expect(await within("the farewell", there.over)).toEqual({ type: "closed-by-peer", farewell });
    },
  );

  test("closes in order: what was sent before arrives, then the farewell", async () => {
    const { accepted, join } = keepHouse();
    const { session, over } = join();
    await until("the session", () => accepted.length === 1);
    const [there] = accepted;
    if (there === undefined) throw new Error("nobody there");
    for (const i of upTo(60)) void session.send(u32ToBytes(i));
    session.close();
    expect(await over).toEqual({ type: "closed-by-us" });
    const heard = heardBy(there.session);
    expect(await within("the farewell", there.over)).toEqual({ type: "closed-by-peer", farewell: "done" });
    expect(heard).toEqual(upTo(60));
  });

  test("gives way to a newer session of the same member, and says so on both sides", async () => {
    const { accepted, join } = keepHouse();
    const older = join(member);
    await until("the session", () => accepted.length === 1);
    const again = { ...newMember(member.memberId), identity: member.identity };
    const newer = join(again);
    expect(await within("the older to end", older.over)).toEqual({ type: "replaced" });
    expect(sessionOverProblem({ type: "replaced" }, "ws://c").cure).toBe("run one client for each member");
    await until("the newer", () => accepted.length === 2);
    expect(await accepted[0]?.over).toEqual({ type: "replaced" });
    await newer.session.send(u32ToBytes(1));
    await newer.session.flush();
    expect(newer.states).toEqual([{ type: "open" }]);
  });

  test("ends on both sides when a receiver fails", async () => {
    const { accepted, join } = keepHouse();
    const { session, over } = join();
    session.onMessage(() => Promise.reject(new Error("bug")));
    await until("the session", () => accepted.length === 1);
    void accepted[0]?.session.send(u32ToBytes(1));
    expect(await within("the end", over)).toEqual({ type: "failed", error: new Error("bug") });
    expect(await accepted[0]?.over).toEqual({ type: "closed-by-peer", farewell: "failed" });
  });

  test("refuses a message that is too long, and goes on", async () => {
    const { accepted, join } = keepHouse();
    const { session } = join();
    await expect(session.send(new Uint8Array(SMALL_LIMITS.maxMessageBytes + 1))).rejects.toThrow(RangeError);
    await session.send(new Uint8Array(SMALL_LIMITS.maxMessageBytes));
    await session.flush();
    expect(accepted[0]?.states).toEqual([]);
  });

  test("hears of a coordinator that shuts down, and is not let in again", async () => {
    const { accepted, acceptor, dial, join } = keepHouse();
    const { over } = join();
    await until("the session", () => accepted.length === 1);
    acceptor.close();
    expect(await over).toEqual({ type: "closed-by-peer", farewell: "shutting-down" });
    const late = await openByHand(dial);
    expect(late).toMatchObject({ failure: { refusal: { type: "shutting-down" }, proven: true } });
  });
});

const unreachable = (code: string): InputError =>
  new InputError({ code, place: "ws://c", problem: "no", cure: "wait" });

describe("a dialled session", () => {
  test("tries again until it gets through", async () => {
    const { dial } = keepHouse();
    let tries = 0;
    const session = dialAs(member, () => {
      tries += 1;
      return tries < 5 ? Promise.reject(unreachable("unreachable")) : dial();
    });
    open.push(session);
    await session.send(u32ToBytes(1));
    await session.flush();
    expect(tries).toBe(5);
  });

  test.each(["tls-mismatch", "proxy-refused", "not-a-bulkhead-coordinator"])(
    "gives up at once on %s, with that problem",
    async (code) => {
      const session = dialAs(member, () => Promise.reject(unreachable(code)));
      const reason = await watch(session).over;
      expect(reason).toMatchObject({ type: "cannot-open", trouble: { type: "not-reached" } });
      expect(sessionOverProblem(reason, "ws://c")).toMatchObject({ code, cure: "wait" });
    },
  );

  test("gives up at once on a coordinator with another key, and on what the coordinator refuses", async () => {
    const { dial } = keepHouse();
    const wrongKey = dialAs(member, dial, { providerKey: randomBytes(32) });
    expect(await watch(wrongKey).over).toMatchObject({
      trouble: { failure: { type: "wrong-coordinator" } },
    });
    const stranger = dialAs(newMember(77), dial);
    expect(await watch(stranger).over).toMatchObject({
      trouble: { failure: { type: "refused", refusal: { type: "unknown-member" } } },
    });
  });

  test("is not ended by what anybody on the way can fake, once it has been open", async () => {
    const { dial, relays } = keepHouse();
    let isFaked = false;
    let fakes = 0;
    const fake = (): Promise<Link> => {
      fakes += 1;
      const [client, liar] = memoryLinkPair();
      const lie = fakes === 1 ? randomBytes(139) : encodePlainRefusal({ type: "wrong-contract" });
      liar.onMessage(() => liar.send(lie));
      return Promise.resolve(client);
    };
    const session = dialAs(member, () => (isFaked && fakes < 3 ? fake() : dial()));
    open.push(session);
    const { states } = watch(session);
    await session.send(u32ToBytes(1));
    await session.flush();
    isFaked = true;
    relays[0]?.cut();
    await session.send(u32ToBytes(2));
    await session.flush();
    expect(fakes).toBe(3);
    expect(states.map(({ type }) => type)).toEqual(["open", "lost", "restored"]);
  });

  test("asks for a certificate before each handshake", async () => {
    const { relays, join } = keepHouse();
    let asked = 0;
    const { session } = join(member, {
      certificate: async () => {
        asked += 1;
        await sleep(1);
        return certificateOf(member);
      },
    });
    await session.send(u32ToBytes(1));
    await session.flush();
    relays[0]?.cut();
    await session.send(u32ToBytes(2));
    await session.flush();
    expect(asked).toBe(2);
  });

  test("ends when the coordinator has forgotten it", async () => {
    const first = house();
    const second = keepHouse();
    let dial = first.dial;
    const session = dialAs(member, () => dial());
    const { over } = watch(session);
    await session.send(u32ToBytes(1));
    await session.flush();
    dial = second.dial;
    first.relays[0]?.cut();
    expect(await over).toMatchObject({
      type: "cannot-open",
      trouble: { failure: { refusal: { type: "session-unknown" }, proven: true } },
    });
    first.acceptor.close();
  });

  test("that is closed while it dials leaves no link behind", async () => {
    const { accepted, dial } = keepHouse();
    let dialled: Link | undefined;
    const session = dialAs(member, async () => {
      dialled = await dial();
      return dialled;
    });
    session.close();
    await until("the dialling", () => dialled !== undefined);
    if (dialled === undefined) throw new Error("not dialled");
    await closeOf(dialled);
    expect(accepted.every(({ states }) => !states.some(({ type }) => type === "restored"))).toBe(true);
  });
});

describe("a coordinator", () => {
  const frame = (number: number, acknowledged = 0): Uint8Array => {
    const made = messageFrame(number, u32ToBytes(number));
    stampAcknowledged(made, acknowledged);
    return made;
  };

  test.each([
    ["a gap in the numbers", [frame(1), frame(3)], "number", [1]],
    ["a number that comes again", [frame(1), frame(1)], "number", [1]],
    ["an acknowledgement of what was never sent", [frame(1), frame(2, 1)], "acknowledgement", [1]],
    ["a frame that is none", [frame(1), new Uint8Array(3)], "frame", [1]],
    ["a farewell of an unknown kind", [farewellFrame("done", 0).fill(9, 15, 16)], "frame", []],
    ["an acknowledgement with a tail", [Uint8Array.of(...acknowledgementFrame(0), 0)], "frame", []],
  ] as const)("ends the session at %s", async (_, frames, detail, heardBefore) => {
    const { accepted, dial } = keepHouse();
    const { say } = await openByHand(dial);
    await until("the session", () => accepted.length === 1);
    const [there] = accepted;
    if (there === undefined) throw new Error("nobody there");
    for (const said of frames) say(said.slice());
    const heard = heardBy(there.session);
    expect(await within("the end", there.over)).toEqual({ type: "protocol-violation", detail });
    expect(heard).toEqual(heardBefore);
  });

  test("reads no further when many small messages wait, empty ones included", async () => {
    const { accepted, acceptor } = keepHouse();
    const [link, farEnd] = memoryLinkPair();
    acceptor.accept(farEnd);
    const opening = await openByHand(() => Promise.resolve(link));
    await until("the session", () => accepted.length === 1);
    accepted[0]?.session.onMessage(() => new Promise(() => undefined));
    if (opening.type !== "open") throw new Error("not open");
    let sent = 0;
    let held: Promise<void> = Promise.resolve();
    for (; sent < 50_000 && (sent % 1000 > 0 || !(await isPending(held))); sent += 1)
      held = opening.link.send(messageFrame(sent + 1, new Uint8Array(0)));
    expect(sent).toBeLessThan(50_000);
  });

  test("keeps no heap of acknowledgements for a peer that sends and never reads", async () => {
    const { accepted, acceptor } = keepHouse();
    const [link, farEnd] = memoryLinkPair();
    let [isRead, unread] = [true, 0];
    const unreadEnd: Link = {
      maxMessageBytes: farEnd.maxMessageBytes,
      send: (message) => {
        if (isRead) return farEnd.send(message);
        unread += 1;
        return new Promise(() => undefined);
      },
      onMessage: (receive) => farEnd.onMessage(receive),
      onClose: (closed) => farEnd.onClose(closed),
      close: (reason) => farEnd.close(reason),
      admit: () => farEnd.admit(),
    };
    acceptor.accept(unreadEnd);
    const opening = await openByHand(() => Promise.resolve(link));
    await until("the session", () => accepted.length === 1);
    if (opening.type !== "open") throw new Error("not open");
    isRead = false;
    let heard = 0;
    accepted[0]?.session.onMessage(() => void (heard += 1));
    for (let number = 1; number <= 2000; number++)
      await opening.link.send(messageFrame(number, new Uint8Array(0)));
    await until("all of them", () => heard === 2000);
    expect(unread).toBe(1);
  });

  test("ends the session at an acknowledgement that goes back", async () => {
    const { accepted, dial } = keepHouse();
    const { say } = await openByHand(dial);
    await until("the session", () => accepted.length === 1);
    const [there] = accepted;
    if (there === undefined) throw new Error("nobody there");
    for (const i of upTo(3)) await there.session.send(u32ToBytes(i));
    await turns();
    say(acknowledgementFrame(2));
    say(acknowledgementFrame(1));
    expect(await within("the end", there.over)).toEqual({
      type: "protocol-violation",
      detail: "acknowledgement",
    });
  });

  test("lets only the gateway that began a session go on with it, and only where both can stand", async () => {
    const { accepted, dial } = keepHouse();
    const first = await openByHand(dial);
    if (first.type !== "open") throw new Error("not open");
    const { sessionId } = first;
    const otherGateway = { ...newMember(member.memberId), identity: member.identity };
    const unknown = { failure: { type: "refused", refusal: { type: "session-unknown" } } };
    expect(await openByHand(dial, otherGateway, { sessionId, lastReceived: 0 })).toMatchObject(unknown);
    expect(await openByHand(dial, secondMember, { sessionId, lastReceived: 0 })).toMatchObject(unknown);
    expect(await openByHand(dial, member, { sessionId: randomBytes(16), lastReceived: 0 })).toMatchObject(
      unknown,
    );
    expect(accepted[0]?.states).toEqual([]);
    expect(await openByHand(dial, member, { sessionId, lastReceived: 1 })).toMatchObject({
      failure: { refusal: { type: "resume-out-of-range" } },
    });
    expect(await accepted[0]?.over).toEqual({ type: "protocol-violation", detail: "resumption" });
  });

  test("drops the link before when a session goes on over a new one, and hears nothing more from it", async () => {
    const { accepted, dial } = keepHouse();
    const before = await openByHand(dial);
    if (before.type !== "open") throw new Error("not open");
    await until("the session", () => accepted.length === 1);
    const [there] = accepted;
    if (there === undefined) throw new Error("nobody there");
    const heard = heardBy(there.session);
    // A link tells its end behind all that came over it: here an acknowledgement, if this takes long.
    before.link.onMessage(() => undefined);
    before.say(frame(1));
    await turns();
    const after = await openByHand(dial, member, { sessionId: before.sessionId, lastReceived: 0 });
    before.say(frame(2));
    expect(after).toMatchObject({ type: "open", lastReceived: 1 });
    after.say(frame(2));
    after.say(frame(3));
    await until("the messages", () => heard.length === 3);
    expect(heard).toEqual([1, 2, 3]);
    expect((await closeOf(before.link)).type).toBe("closed-by-peer");
  });

  test("turns strangers away without noticing more of them than the reason", async () => {
    const { accepted, turnedAway, dial } = keepHouse();
    const stranger = await dial();
    void stranger.send(randomBytes(50));
    await until("the refusal", () => turnedAway.length === 1);
    expect(turnedAway).toEqual([{ type: "refused-by-us", refusal: { type: "not-understood" } }]);
    expect(accepted).toEqual([]);
  });
});

test("waits twice as long before each try, up to a bound, less a random part", () => {
  const backoff = { firstMs: 100, mostMs: 1000, jitter: 0.5 };
  const waits = (chance: number) =>
    [0, 1, 2, 3, 4, 1e6].map((attempt) => backoffMs(backoff, attempt, chance));
  expect(waits(0)).toEqual([100, 200, 400, 800, 1000, 1000]);
  expect(waits(1)).toEqual([50, 100, 200, 400, 500, 500]);
});
