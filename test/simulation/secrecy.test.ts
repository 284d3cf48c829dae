import { inspect } from "node:util";
import { bytesToHex, type Secret } from "@bulkhead/base";
import type { MaskStream } from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import {
  addStreams,
  contributionOf,
  type KeptSecret,
  playJob,
  sizeOf,
  type Transition,
} from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";
import { honestRound } from "../protocol/honest-round.ts";
import { ByteWalk } from "./byte-walk.ts";

/** A round with every kind of event: one member is lost after it has shared its keys, the coordinator dies once. */
const play = () => {
  const walk = new ByteWalk();
  const held: KeptSecret[] = [];
  const dumps = new Map<string, string>();
  const keep = (what: string, secrets: readonly Secret[]) => {
    for (const secret of secrets)
      if (!secret.isWiped) held.push({ what, bytes: Uint8Array.from(secret.reveal()) });
  };
  const watch = ({ who, event, after }: Transition) => {
    // Dumped while they are alive: this comes before anything is wiped.
    for (const part of [event, after.state, after.effects]) walk.add(part);
    if (who !== "coordinator" && "toWipe" in after.state) keep("round secret or share", after.state.toWipe);
    for (const effect of after.effects)
      if ("streams" in effect)
        keep(
          "mask stream key",
          effect.streams.map(({ key }) => key),
        );
    // One of each stage is enough: they are large.
    const { stage } = after.state;
    if (!dumps.has(stage)) dumps.set(stage, inspect(after, { depth: 12 }) + JSON.stringify(after));
  };
  const played = playJob({
    seed: "secrecy",
    size: sizeOf(5),
    keepSecrets: true,
    watch,
    faults: [
      {
        at: { member: memberId(5), direction: "up", type: "masked", nth: 1 },
        harm: { kind: "crash member", downMs: Number.POSITIVE_INFINITY, arrives: false },
      },
      {
        at: { member: memberId(2), direction: "up", type: "agree", nth: 1 },
        harm: { kind: "crash coordinator", downMs: 50, arrives: false },
      },
    ],
  });
  return { played, walk, dumps, secrets: [...played.secrets, ...held] };
};

const includes = (haystack: Uint8Array, needle: Uint8Array): boolean =>
  Buffer.from(haystack.buffer, haystack.byteOffset, haystack.length).includes(Buffer.from(needle));

describe("no secret is seen outside the member that has it", () => {
  const { played, walk, dumps, secrets } = play();
  // An update is searched for by any 32 bytes of it, so that a piece of it would be found too.
  const needles = secrets
    .flatMap(({ what, bytes }) =>
      what === "update"
        ? Array.from({ length: Math.floor(bytes.length / 32) }, (_, i) =>
            bytes.subarray(32 * i, 32 * (i + 1)),
          )
        : [bytes],
    )
    .filter((bytes) => bytes.some((byte) => byte !== 0));

  // Shares leave in the end, as the protocol says; each is in one message to the coordinator, and so in its state.
  const shares = Buffer.concat(
    played.frames.filter(({ type }) => type === "unmask").map(({ bytes }) => bytes),
  );
  const unsaid = needles.filter((needle) => !includes(shares, needle));

  test("there are secrets of every kind to look for, and the round was published", () => {
    expect(played.rounds).toMatchObject([{ type: "published", survivors: [1, 2, 3, 4] }]);
    expect(new Set(secrets.map(({ what }) => what))).toEqual(
      new Set(["attempt seed", "update", "mask stream key", "round secret or share"]),
    );
    expect(needles.length).toBeGreaterThan(200);
  });

  test("in any frame", () => {
    const wire = Buffer.concat(played.frames.map(({ bytes }) => bytes));
    const beforeReveal = Buffer.concat(
      played.frames.filter(({ type }) => type !== "unmask").map(({ bytes }) => bytes),
    );
    for (const needle of needles) expect(includes(beforeReveal, needle)).toBe(false);
    for (const { what, bytes } of secrets)
      if (what === "attempt seed" || what === "mask stream key") expect(includes(wire, bytes)).toBe(false);
  });

  test("in any state, event or effect, however deep, other than as a secret", () => {
    expect(unsaid.length).toBeGreaterThan(150);
    expect(walk.bytes.length).toBeGreaterThan(500);
    for (const needle of unsaid) expect(walk.bytes.some((bytes) => includes(bytes, needle))).toBe(false);
  });

  test("in the log, or in a state that is printed or made JSON", () => {
    const logged = [JSON.stringify(played.log), inspect(played.log, { depth: 9 })];
    // Numbers in a printed array are aligned with spaces.
    const text = [...logged, ...dumps.values(), ...walk.texts].join().replaceAll(/\s+/gu, " ");
    expect(dumps.size).toBeGreaterThan(12);
    expect(text.includes("<redacted>")).toBe(true);
    for (const needle of unsaid.filter((_, i) => i % 4 === 0)) {
      const json = [...needle].map((byte, i) => `"${i}":${byte}`).join();
      const base64 = Buffer.from(needle).toString("base64");
      for (const form of [bytesToHex(needle), base64, [...needle].join(", "), needle.join(), json])
        expect(text.includes(form)).toBe(false);
    }
  });

  test("and what would be one is found", () => {
    const found = new ByteWalk();
    found.add({ state: new Map([[1, { deep: [Uint8Array.of(9, ...secrets[0]!.bytes)] }]]) });
    expect(includes(found.bytes[0]!, secrets[0]!.bytes)).toBe(true);
  });
});

describe("what a member uploads", () => {
  const SEEDS = Array.from({ length: 8 }, (_, i) => `uniform/${i}`);
  const samples = SEEDS.map((seed) => {
    const round = honestRound({ seed });
    const streamsOf = (who: number): readonly MaskStream[] => {
      const effect = round.client(who, "inbox").after.effects.find(({ type }) => type === "mask");
      if (effect?.type !== "mask") throw new Error("was asked to mask");
      return effect.streams;
    };
    return { job: round.job, seed, streams: [1, 2, 3, 4].map(streamsOf) };
  });

  /** All bytes of the vectors of all members in all rounds, under the streams that are picked. */
  const uploads = (
    pick: (streams: readonly MaskStream[]) => readonly MaskStream[],
    update: (sample: (typeof samples)[number], place: number) => Uint8Array = plain,
  ): Uint8Array =>
    Buffer.concat(
      samples.flatMap((sample) =>
        sample.streams.map((streams, i) => {
          const vector = update(sample, i + 1);
          addStreams(sample.job.layout, vector, pick(streams));
          return vector;
        }),
      ),
    );
  const plain = ({ job, seed }: (typeof samples)[number], place: number): Uint8Array =>
    contributionOf(job, seed, { member: memberId(place), round: 1 });

  /** Over 256 values; beyond 400 with 255 degrees of freedom once in a hundred million uniform samples. */
  const chiSquare = (bytes: Uint8Array): number => {
    const counts = new Float64Array(256);
    for (const byte of bytes) counts[byte]! += 1;
    const expected = bytes.length / 256;
    return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  };
  const BOUND = 400;
  const all = (streams: readonly MaskStream[]) => streams;
  const selfAlone = (streams: readonly MaskStream[]) => streams.slice(0, 1);
  const pairsAlone = (streams: readonly MaskStream[]) => streams.slice(1);

  test("is uniform, though what it hides is far from it", () => {
    expect(chiSquare(uploads(() => []))).toBeGreaterThan(10 * BOUND);
    expect(chiSquare(uploads(all))).toBeLessThan(BOUND);
  });

  test("is uniform under its self mask alone, and under its pair masks alone: both are there", () => {
    expect(chiSquare(uploads(selfAlone))).toBeLessThan(BOUND);
    expect(chiSquare(uploads(pairsAlone))).toBeLessThan(BOUND);
  });

  test("is noise still when one kind of mask is taken off, and the update when both are", () => {
    const opposite = (streams: readonly MaskStream[]): readonly MaskStream[] =>
      streams.map(({ key, sign }) => ({ key, sign: sign === 1 ? -1 : 1 }));
    const left = (taken: (streams: readonly MaskStream[]) => readonly MaskStream[]) =>
      uploads((streams) => [...streams, ...opposite(taken(streams))]);
    expect(chiSquare(left(selfAlone))).toBeLessThan(BOUND);
    expect(chiSquare(left(pairsAlone))).toBeLessThan(BOUND);
    expect(
      Buffer.compare(
        left(all),
        uploads(() => []),
      ),
    ).toBe(0);
  });

  test("tells nothing of the update beside the sum: other updates of the same sum look no different", () => {
    /** Member 1 gives all of the sum, and the others nothing. */
    const otherShares = (sample: (typeof samples)[number], place: number): Uint8Array => {
      const vector = new Uint8Array(sample.job.layout.byteLength);
      if (place === 1)
        for (const other of [1, 2, 3, 4]) {
          const source = plain(sample, other);
          const [into, from] = [new DataView(vector.buffer), new DataView(source.buffer, source.byteOffset)];
          for (let at = 0; at < vector.length; at += 2)
            into.setUint16(at, into.getUint16(at, true) + from.getUint16(at, true), true);
        }
      return vector;
    };
    const [one, other] = [uploads(all), uploads(all, otherShares)];
    expect(Buffer.compare(one, other)).not.toBe(0);
    expect(chiSquare(other)).toBeLessThan(BOUND);
    // Two samples of one distribution, byte value by byte value.
    const counts = (bytes: Uint8Array) => {
      const of = new Float64Array(256);
      for (const byte of bytes) of[byte]! += 1;
      return of;
    };
    const [a, b] = [counts(one), counts(other)];
    const difference = a.reduce((sum, count, i) => sum + (count - b[i]!) ** 2 / (count + b[i]!), 0);
    expect(difference).toBeLessThan(BOUND);
  });
});
