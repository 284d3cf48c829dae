import { decodeCanonical, encodeCanonical, ShapeError } from "@bulkhead/base";
import { byMember, MAX_MEMBERS, memberId, memberIdCodec } from "@bulkhead/secagg";
import { expect, test } from "vitest";

test("every position from 1 to 255 is a member and one byte", () => {
  for (let position = 1; position <= MAX_MEMBERS; position++) {
    const bytes = encodeCanonical(memberIdCodec, memberId(position));
    expect(bytes).toEqual(Uint8Array.of(position));
    expect(decodeCanonical(memberIdCodec, bytes)).toBe(position);
  }
});

test.each([0, -1, 256, 1.5, Number.NaN, "1", null])("%s is no member", (value) => {
  expect(() => memberId(value)).toThrow(ShapeError);
});

test("the byte 0 is no member", () => {
  expect(() => decodeCanonical(memberIdCodec, Uint8Array.of(0))).toThrow(ShapeError);
});

test("members are sorted by number, not by text", () => {
  expect([10, 9, 200, 1].map((position) => memberId(position)).sort(byMember)).toEqual([1, 9, 10, 200]);
});
