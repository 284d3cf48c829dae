/** The handshake and the records of a secure link, against whoever stands on the way and whoever dials in. */
import { bytesToHex } from "@bulkhead/base";
import { randomBytes, randomSecret, signingKeys } from "@bulkhead/crypto";
import {
  acceptSecureLink,
  CLOCK_TOLERANCE_MS,
  linkFailureProblem,
  LONGEST_CERTIFICATE_MS,
  memoryLinkPair,
  openSecureLink,
  type AcceptLinkOptions,
  type Link,
  type LinkFailure,
  type OpenLinkOptions,
  type Opening,
} from "@bulkhead/transport";
import { describe, expect, test } from "vitest";
import {
  acceptOptions,
  certificateOf,
  HOUR,
  member,
  newMember,
  openOptions,
  provider,
  secondMember,
} from "./federation.ts";
import { secure } from "./link-pairs.ts";
import { flipBit, relay, type Meddle, type Relay } from "./relay.ts";
import { closeOf, turns, until } from "./wait-for.ts";

interface Outcome {
  readonly opening: Opening;
  readonly failure: LinkFailure | undefined;
  readonly accepted: Link | undefined;
}

interface Handshake {
  readonly open?: Partial<OpenLinkOptions>;
  readonly accept?: Partial<AcceptLinkOptions>;
}

const shakeHands = async (
  [client, coordinator]: readonly [Link, Link],
  { open = {}, accept = {} }: Handshake = {},
): Promise<Outcome> => {
  let accepted: Link | undefined;
  const accepting = acceptSecureLink(coordinator, {
    ...acceptOptions((link) => {
      accepted = link;
    }),
    ...accept,
  });
  const opening = await openSecureLink(client, { ...openOptions(), ...open });
  return { opening, failure: await accepting, accepted };
};

const overRelay = async (
  meddle: Meddle,
  handshake: Handshake = {},
): Promise<Outcome & { readonly by: Relay }> => {
  const by = relay(meddle);
  return { ...(await shakeHands([by.client, by.coordinator], handshake)), by };
};

const refusalIn = async (handshake: Handshake) => {
  const { opening, failure, accepted } = await shakeHands(memoryLinkPair(), handshake);
  expect(accepted).toBeUndefined();
  if (opening.type === "open" || opening.failure.type !== "refused") throw new Error("not refused");
  expect(opening.failure.proven).toBe(true);
  expect(failure).toEqual({ type: "refused-by-us", refusal: opening.failure.refusal });
  return opening.failure.refusal;
};

describe("a handshake", () => {
  test("opens a link on which both sides talk, and which no eavesdropper reads", async () => {
    const { opening, failure, accepted, by } = await overRelay((message) => [message]);
    expect(failure).toBeUndefined();
    if (opening.type !== "open" || accepted === undefined) throw new Error("not open");
    const heard: Uint8Array[] = [];
    accepted.onMessage((message) => {
      heard.push(message);
    });
    const secret = randomBytes(64);
    await opening.link.send(secret.slice());
    await until("the message", () => heard.length === 1);
    expect(heard).toEqual([secret]);
    const wire = [...by.seen["to-coordinator"], ...by.seen["to-client"]].map(bytesToHex).join("");
    for (const hidden of [secret, member.gateway.publicKey, openOptions().certificate.signature])
      expect(wire).not.toContain(bytesToHex(hidden));
  });

  test("carries the session to resume, and the place where the coordinator stands", async () => {
    const place = { sessionId: randomBytes(16), lastReceived: 2 ** 40 };
    let asked: unknown;
    const { opening } = await shakeHands(memoryLinkPair(), {
      open: { resume: place },
      accept: {
        admit: (proven) => {
          asked = proven;
          return {
            type: "admit",
            place: { ...place, lastReceived: 7 },
            opened: () => undefined,
          };
        },
      },
    });
    expect(asked).toEqual({
      memberId: member.memberId,
      gatewayKey: member.gateway.publicKey,
      resume: place,
    });
    expect(opening).toMatchObject({ type: "open", sessionId: place.sessionId, lastReceived: 7 });
  });

  test("loses nothing of what comes right behind it", async () => {
    const { opening } = await shakeHands(memoryLinkPair(), {
      accept: acceptOptions((link) => {
        for (const i of [1, 2, 3]) void link.send(Uint8Array.of(i));
        link.close();
      }),
    });
    if (opening.type !== "open") throw new Error("not open");
    const heard: (number | undefined)[] = [];
    opening.link.onMessage((message) => {
      heard.push(message[0]);
    });
    expect((await closeOf(opening.link)).type).toBe("closed-by-peer");
    expect(heard).toEqual([1, 2, 3]);
  });

  test("never draws the same keys twice", async () => {
    const [first, second] = [await overRelay((m) => [m]), await overRelay((m) => [m])];
    for (const direction of ["to-coordinator", "to-client"] as const)
      for (const [i, message] of first.by.seen[direction].entries())
        expect(second.by.seen[direction][i]).not.toEqual(message);
  });

  test("ends without a link when any bit of hello, answer, proof or verdict is changed", async () => {
    const honest = await overRelay((message) => [message]);
    const handshake = { "to-coordinator": 2, "to-client": 2 };
    for (const direction of ["to-coordinator", "to-client"] as const) {
      for (const [i, message] of honest.by.seen[direction].slice(0, handshake[direction]).entries()) {
        // One bit of each byte: every field is hit, and the test stays quick.
        for (let byte = 0; byte < message.length; byte += 3) {
          const bit = 8 * byte + (byte % 8);
          const { opening, accepted } = await overRelay((passing, index, towards) =>
            towards === direction && index === i ? [flipBit(passing, bit)] : [passing],
          );
          expect(opening.type, `${direction} ${i} bit ${bit}`).toBe("failed");
          const isVerdict = direction === "to-client" && i === 1;
          expect(accepted === undefined, `${direction} ${i} bit ${bit}`).toBe(!isVerdict);
        }
      }
    }
  });

  test("ends without a link when a message is cut short or made longer", async () => {
    for (const direction of ["to-coordinator", "to-client"] as const)
      for (const i of [0, 1])
        for (const change of [
          (message: Uint8Array) => message.slice(0, -1),
          (message: Uint8Array) => Uint8Array.of(...message, 0),
          () => new Uint8Array(0),
          () => new Uint8Array(600),
        ]) {
          const { opening } = await overRelay((message, index, towards) =>
            towards === direction && index === i ? [change(message)] : [message],
          );
          expect(opening.type).toBe("failed");
        }
  });

  test("refuses a coordinator that does not hold the provider's key", async () => {
    const { opening, accepted } = await shakeHands(memoryLinkPair(), {
      accept: { providerKeys: signingKeys(randomSecret(32)) },
    });
    expect(opening).toEqual({ type: "failed", failure: { type: "wrong-coordinator" } });
    expect(accepted).toBeUndefined();
  });

  test("refuses an answer that was signed for another hello", async () => {
    const before = await overRelay((message) => [message]);
    const recorded = before.by.seen["to-client"];
    const { opening } = await overRelay((message, i, direction) =>
      direction === "to-client" ? [recorded[i] ?? message] : [message],
    );
    expect(opening).toEqual({ type: "failed", failure: { type: "wrong-coordinator" } });
  });

  test("refuses the replay of a recorded handshake", async () => {
    const before = await overRelay((message) => [message]);
    const [client, coordinator] = memoryLinkPair();
    let accepted = 0;
    const accepting = acceptSecureLink(
      coordinator,
      acceptOptions(() => {
        accepted += 1;
      }),
    );
    for (const message of before.by.seen["to-coordinator"]) void client.send(message);
    expect(await accepting).toEqual({ type: "refused-by-us", refusal: { type: "not-authentic" } });
    expect(accepted).toBe(0);
  });

  test("refuses an ephemeral key of low order, from either side", async () => {
    // Orders 4, 1, 8 and 8, and p + 1: each would make the shared secret known to everyone.
    const lowOrder = [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ].map((hex) => new Uint8Array(Buffer.from(hex, "hex")));
    const envelopeBytes = 11;
    for (const key of lowOrder) {
      const { opening, failure } = await overRelay((message, i, direction) => {
        if (direction === "to-coordinator" && i === 0) message.set(key, envelopeBytes);
        return [message];
      });
      expect(failure).toEqual({ type: "refused-by-us", refusal: { type: "weak-key" } });
      expect(opening).toMatchObject({ failure: { type: "refused", proven: false } });
    }
  });

  test("refuses a coordinator of the right key that answers with a key of low order", async () => {
    const { decodeReply, encodeAnswer } = await import("@bulkhead/transport");
    const { hashFields, sign } = await import("@bulkhead/crypto");
    let hello = new Uint8Array(0);
    const { opening } = await overRelay((message, i, direction) => {
      if (direction === "to-coordinator") {
        if (i === 0) hello = message.slice();
        return [message];
      }
      const answer = decodeReply(message);
      if (i > 0 || answer?.type !== "answer") return [message];
      const ephemeralKey = new Uint8Array(32);
      const signed = hashFields(
        "bulkhead/1 link answer",
        hello,
        ephemeralKey,
        answer.nonce,
        provider.publicKey,
      );
      return [
        encodeAnswer({ ephemeralKey, nonce: answer.nonce, signature: sign(provider.secretKey, signed) }),
      ];
    });
    expect(opening).toEqual({ type: "failed", failure: { type: "weak-key" } });
  });
});

describe("a coordinator refuses", () => {
  test("another contract", async () => {
    const contractDigest = randomBytes(32);
    const certificate = certificateOf(member, { digest: contractDigest });
    expect(await refusalIn({ open: { contractDigest, certificate } })).toEqual({ type: "wrong-contract" });
  });

  test("an unknown member", async () => {
    const stranger = newMember(9);
    expect(await refusalIn({ open: openOptions(stranger) })).toEqual({ type: "unknown-member" });
  });

  test("a member's id under another identity", async () => {
    const impostor = { ...newMember(member.memberId) };
    expect(await refusalIn({ open: openOptions(impostor) })).toEqual({ type: "certificate-invalid" });
  });

  test("a certificate of another contract, another gateway or another member", async () => {
    const other = { digest: randomBytes(32) };
    expect(await refusalIn({ open: { certificate: certificateOf(member, other) } })).toEqual({
      type: "certificate-invalid",
    });
    const { gateway } = newMember(member.memberId);
    expect(await refusalIn({ open: { gateway } })).toEqual({ type: "not-authentic" });
    const renamed = { ...certificateOf(member), memberId: secondMember.memberId };
    expect(await refusalIn({ open: { certificate: renamed } })).toEqual({ type: "certificate-invalid" });
  });

  test("a certificate before and after its time, with the tolerance for clocks", async () => {
    const now = Date.now();
    const at = (begin: number) => ({
      open: { certificate: certificateOf(member, { now: begin, lifetimeMs: HOUR }), now: () => now },
      accept: { now: () => now },
    });
    expect(await refusalIn(at(now - HOUR - CLOCK_TOLERANCE_MS - 1))).toEqual({
      type: "certificate-expired",
      byMs: CLOCK_TOLERANCE_MS + 1,
    });
    expect(await refusalIn(at(now + CLOCK_TOLERANCE_MS + 1))).toEqual({
      type: "certificate-not-yet-valid",
      byMs: CLOCK_TOLERANCE_MS + 1,
    });
    for (const begin of [now - HOUR - CLOCK_TOLERANCE_MS, now + CLOCK_TOLERANCE_MS])
      expect((await shakeHands(memoryLinkPair(), at(begin))).opening.type).toBe("open");
  });

  test("a clock that is far off, and says by how much and in which direction", async () => {
    const now = Date.now();
    const off = (byMs: number) => ({ open: { now: () => now + byMs }, accept: { now: () => now } });
    for (const byMs of [CLOCK_TOLERANCE_MS + 1, -CLOCK_TOLERANCE_MS - 1])
      expect(await refusalIn(off(byMs))).toEqual({ type: "clock-far-off", byMs });
    for (const byMs of [CLOCK_TOLERANCE_MS, -CLOCK_TOLERANCE_MS])
      expect((await shakeHands(memoryLinkPair(), off(byMs))).opening.type).toBe("open");
    const failure = {
      type: "refused",
      refusal: { type: "clock-far-off", byMs: -3 * HOUR },
      proven: true,
    } as const;
    expect(linkFailureProblem(failure, "ws://c").problem).toBe(
      "this machine's clock is 3 h behind the coordinator's",
    );
  });

  test("a certificate for more than a day, though the identity has signed it", async () => {
    const { encodeCanonical, encodeFields, u64, u8 } = await import("@bulkhead/base");
    const { sign } = await import("@bulkhead/crypto");
    const claim = certificateOf(member);
    const notAfter = claim.notBefore + LONGEST_CERTIFICATE_MS + 1;
    const signed = encodeFields(
      "bulkhead/1 gateway",
      openOptions().contractDigest,
      encodeCanonical(u8, claim.memberId),
      claim.gatewayKey,
      encodeCanonical(u64, claim.notBefore),
      encodeCanonical(u64, notAfter),
    );
    const certificate = { ...claim, notAfter, signature: sign(member.identity.secretKey, signed) };
    expect(await refusalIn({ open: { certificate } })).toEqual({ type: "certificate-too-long", byMs: 1 });
    expect(() => certificateOf(member, { lifetimeMs: LONGEST_CERTIFICATE_MS + 1 })).toThrow("at most a day");
    expect(() => certificateOf(member, { lifetimeMs: -1 })).toThrow("at most a day");
  });

  test("a peer of another version, and each side names the other's", async () => {
    const bumpVersion: Meddle = (message, i) => {
      if (i === 0) message[9] = 2;
      return [message];
    };
    const older = await overRelay((message, i, direction) =>
      direction === "to-coordinator" ? bumpVersion(message, i, direction) : [message],
    );
    expect(older.failure).toEqual({ type: "refused-by-us", refusal: { type: "other-version", version: 1 } });
    expect(older.opening).toEqual({
      type: "failed",
      failure: { type: "refused", refusal: { type: "other-version", version: 1 }, proven: false },
    });
    const newer = await overRelay((message, i, direction) =>
      direction === "to-client" ? bumpVersion(message, i, direction) : [message],
    );
    expect(newer.opening).toMatchObject({ failure: { refusal: { type: "other-version", version: 2 } } });
  });

  test("garbage, with a reason, and gives nothing of it to anyone", async () => {
    for (const garbage of [new Uint8Array(0), randomBytes(107), randomBytes(10_000)]) {
      const [client, coordinator] = memoryLinkPair();
      const answers: Uint8Array[] = [];
      client.onMessage((message) => {
        answers.push(message);
      });
      void client.send(garbage);
      const failure = await acceptSecureLink(coordinator, acceptOptions());
      expect(failure).toEqual({ type: "refused-by-us", refusal: { type: "not-understood" } });
      expect((await closeOf(client)).type).toBe("closed-by-peer");
      expect(answers).toHaveLength(1);
    }
  });

  test("whoever is silent for too long", async () => {
    const [client, coordinator] = memoryLinkPair();
    const failure = await acceptSecureLink(coordinator, { ...acceptOptions(), handshakeMs: 20 });
    expect(failure).toEqual({ type: "handshake-too-slow", afterMs: 20 });
    expect((await closeOf(client)).type).toBe("closed-by-peer");
  });

  test("nobody in silence: a client whose coordinator says nothing hears so itself", async () => {
    const [client] = memoryLinkPair();
    const opening = await openSecureLink(client, { ...openOptions(), handshakeMs: 20 });
    expect(opening).toEqual({ type: "failed", failure: { type: "handshake-too-slow", afterMs: 20 } });
    const [gone, farEnd] = memoryLinkPair();
    farEnd.close();
    expect(await openSecureLink(gone, openOptions())).toMatchObject({ failure: { type: "closed" } });
  });
});

describe("a record", () => {
  const RECORD_INDEX = 2;
  const tampered: readonly (readonly [string, Meddle])[] = [
    [
      "changed",
      (message, i, direction) =>
        direction === "to-coordinator" && i === RECORD_INDEX + 1 ? [flipBit(message, 77)] : [message],
    ],
    [
      "repeated",
      (message, i, direction) =>
        direction === "to-coordinator" && i === RECORD_INDEX ? [message, message] : [message],
    ],
    [
      "left out",
      (message, i, direction) => (direction === "to-coordinator" && i === RECORD_INDEX + 1 ? [] : [message]),
    ],
    [
      "cut short",
      (message, i, direction) =>
        direction === "to-coordinator" && i === RECORD_INDEX + 1 ? [message.slice(1)] : [message],
    ],
    [
      "put in by a stranger",
      (message, i, direction) =>
        direction === "to-coordinator" && i === RECORD_INDEX + 1 ? [randomBytes(40), message] : [message],
    ],
  ];

  test.each(tampered)("that was %s ends the link, and nothing of it is handed over", async (_, meddle) => {
    const { opening, accepted } = await overRelay(meddle);
    if (opening.type !== "open" || accepted === undefined) throw new Error("not open");
    const heard: number[] = [];
    accepted.onMessage((message) => {
      heard.push(message[0] ?? -1);
    });
    for (const i of [0, 1, 2]) void opening.link.send(Uint8Array.of(i, ...randomBytes(20)));
    expect(await closeOf(accepted)).toEqual({ type: "protocol-violation", detail: "record-not-authentic" });
    expect(heard).toEqual([0]);
    expect((await closeOf(opening.link)).type).toBe("closed-by-peer");
  });

  test("sent back to its sender does not open", async () => {
    const by = relay();
    const { opening, accepted } = await shakeHands([by.client, by.coordinator]);
    if (opening.type !== "open" || accepted === undefined) throw new Error("not open");
    await opening.link.send(Uint8Array.of(1));
    await turns();
    const record = by.seen["to-coordinator"].at(-1);
    if (record === undefined) throw new Error("no record");
    await by.coordinator.send(record);
    expect(await closeOf(opening.link)).toEqual({
      type: "protocol-violation",
      detail: "record-not-authentic",
    });
  });

  test("opens across many changes of key, in both directions", async () => {
    const { a, b } = await secure(memoryLinkPair(), 100);
    const sizes = Array.from({ length: 200 }, (_, i) => (i * 37) % 150);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const heard: number[] = [];
      to.onMessage((message) => {
        heard.push(message.length);
      });
      for (const size of sizes) await from.send(new Uint8Array(size));
      await until("all messages", () => heard.length === sizes.length);
      expect(heard).toEqual(sizes);
    }
  });

  test("does not open where the two sides change keys at different points", async () => {
    const by = memoryLinkPair();
    const { opening, accepted } = await shakeHands(by, {
      open: { rekeyBytes: 100 },
      accept: { rekeyBytes: 101 },
    });
    if (opening.type !== "open" || accepted === undefined) throw new Error("not open");
    accepted.onMessage(() => undefined);
    await opening.link.send(new Uint8Array(84));
    await opening.link.send(new Uint8Array(1));
    expect(await closeOf(accepted)).toEqual({ type: "protocol-violation", detail: "record-not-authentic" });
  });
});
