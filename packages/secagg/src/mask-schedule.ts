/**
 * Which mask streams a member adds and which ones are left in the sum when some are lost [BIK+17, rounds 2 and 4].
 *
 * A member i of cohort U2 adds its self mask, and for each other j of U2 the mask that the two share: + where i < j,
 * - where j < i. In the sum over the survivors U3 the masks between survivors cancel; left are the survivors' self
 * masks and each survivor's masks with the lost.
 */
import { invariant } from "@bulkhead/base";
import type { MemberId } from "./member.ts";

/** A stream that is to be added with its sign. */
export type MaskStream =
  | { readonly type: "self"; readonly member: MemberId; readonly sign: 1 | -1 }
  | { readonly type: "pair"; readonly member: MemberId; readonly peer: MemberId; readonly sign: 1 | -1 };

/** The sign with which `own` adds the mask it shares with `peer`: the opposite of the peer's. */
export const pairSign = (own: MemberId, peer: MemberId): 1 | -1 => {
  invariant(own !== peer, "nobody shares a mask with itself");
  return own < peer ? 1 : -1;
};

/** What `own` adds to its encoded update. */
export const maskingStreams = (own: MemberId, cohort: readonly MemberId[]): readonly MaskStream[] => [
  { type: "self", member: own, sign: 1 },
  ...cohort
    .filter((peer) => peer !== own)
    .map((peer) => ({ type: "pair" as const, member: own, peer, sign: pairSign(own, peer) })),
];

/** What the coordinator adds to the sum of the survivors' vectors, so that the plain sum is left. */
export const unmaskingStreams = (
  cohort: readonly MemberId[],
  survivors: readonly MemberId[],
): readonly MaskStream[] => {
  const alive = new Set(survivors);
  const lost = cohort.filter((member) => !alive.has(member));
  return survivors.flatMap((member) => [
    { type: "self" as const, member, sign: -1 as const },
    // What the survivor added with one sign, the lost peer would have added with the other.
    ...lost.map((peer) => ({ type: "pair" as const, member, peer, sign: pairSign(peer, member) })),
  ]);
};
