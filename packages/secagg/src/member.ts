/** A member of the contract's roster, by position: what messages, share holders and mask signs all count by. */
import { type Brand, type Canonical, integer, type Shape, u8 } from "@bulkhead/base";

/** Position in the roster, from 1; also the member's x-coordinate as a holder of shares, so that 0 names nobody. */
export type MemberId = Brand<number, "MemberId">;

/** GF(2^8) has 255 points beside the one where the secret stands. */
export const MAX_MEMBERS = 255;

const position = integer(1, MAX_MEMBERS);

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the shape is what makes a number a MemberId
export const memberId: Shape<MemberId> = (value, path) => position(value, path) as MemberId;

export const memberIdCodec: Canonical<MemberId> = {
  write: (value) => u8.write(value),
  read: (from) => memberId(u8.read(from), "member"),
};

export const byMember = (a: MemberId, b: MemberId): number => a - b;
