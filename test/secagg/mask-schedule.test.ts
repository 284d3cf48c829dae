import { keystream, segmentNonce } from "@bulkhead/crypto";
import {
  maskingStreams,
  type MaskStream,
  memberId,
  type MemberId,
  pairSign,
  unmaskingStreams,
} from "@bulkhead/secagg";
import fc from "fast-check";
import { expect, test } from "vitest";

const members = (count: number): MemberId[] => Array.from({ length: count }, (_, i) => memberId(i + 1));

/** Stands for the keystream that only those named know: one word of 32 bits. */
const wordOf = (stream: MaskStream): number => {
  const [low, high] =
    stream.type === "self"
      ? [stream.member, 0]
      : [Math.min(stream.member, stream.peer), Math.max(stream.member, stream.peer)];
  return WORDS[256 * low + high]!;
};
const WORDS = new Uint32Array(
  keystream({ key: new Uint8Array(32), nonce: segmentNonce(0), offset: 0 }, 4 * 256 * 256).buffer,
);

const sumOf = (streams: readonly MaskStream[]): number =>
  streams.reduce((sum, stream) => (sum + stream.sign * wordOf(stream)) >>> 0, 0);

/** What is left of all masks after unmasking; the survivors' updates are zero. */
const left = (cohort: readonly MemberId[], survivors: readonly MemberId[]): number =>
  sumOf([
    ...survivors.flatMap((member) => maskingStreams(member, cohort)),
    ...unmaskingStreams(cohort, survivors),
  ]);

test("two members add their mask with opposite signs, the lower one with plus", () => {
  expect(pairSign(memberId(1), memberId(2))).toBe(1);
  expect(pairSign(memberId(2), memberId(1))).toBe(-1);
  expect(() => pairSign(memberId(3), memberId(3))).toThrow("broken invariant");
});

test("masks cancel for every set of survivors of two to seven members", () => {
  for (let count = 2; count <= 7; count++) {
    const cohort = members(count);
    for (let set = 0; set < 2 ** count; set++)
      expect(
        left(
          cohort,
          cohort.filter((_, i) => (set & (1 << i)) !== 0),
        ),
      ).toBe(0);
  }
});

test("masks cancel for any cohort, in any order, and any survivors", () => {
  const cohorts = fc
    .uniqueArray(
      fc.integer({ min: 1, max: 255 }).map((position) => memberId(position)),
      { minLength: 2, maxLength: 60 },
    )
    .chain((cohort) => fc.tuple(fc.constant(cohort), fc.shuffledSubarray(cohort)));
  fc.assert(
    fc.property(cohorts, ([cohort, survivors]) => {
      expect(left(cohort, survivors)).toBe(0);
    }),
    { numRuns: 60, seed: 1 },
  );
});

test("masks cancel for 255 members of whom 84 are lost", () => {
  const cohort = members(255);
  expect(
    left(
      cohort,
      cohort.filter((member) => member % 3 !== 0 || member > 252),
    ),
  ).toBe(0);
});

test("masks do not cancel when one stream is missing, told twice or of the other sign", () => {
  const cohort = members(5);
  const survivors = cohort.slice(1);
  const masked = survivors.flatMap((member) => maskingStreams(member, cohort));
  const removed = unmaskingStreams(cohort, survivors);
  for (const [i, stream] of removed.entries()) {
    expect(sumOf([...masked, ...removed.toSpliced(i, 1)])).not.toBe(0);
    expect(sumOf([...masked, ...removed, stream])).not.toBe(0);
    expect(
      sumOf([...masked, ...removed.toSpliced(i, 1, { ...stream, sign: stream.sign === 1 ? -1 : 1 })]),
    ).not.toBe(0);
  }
});

test("unmasking opens one kind of secret per member: self masks of survivors, pair masks with the lost", () => {
  const cohort = members(6);
  const survivors = [memberId(2), memberId(3), memberId(5)];
  const streams = unmaskingStreams(cohort, survivors);
  expect(streams.filter(({ type }) => type === "self").map(({ member }) => member)).toEqual(survivors);
  for (const stream of streams) if (stream.type === "pair") expect(survivors).not.toContain(stream.peer);
  expect(streams).toHaveLength(3 + 3 * 3);
});
