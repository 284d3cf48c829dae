import { Secret } from "@bulkhead/base";
import { frozen } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";

describe("a frozen value", () => {
  const state = frozen({
    list: [{ count: 1 }],
    byName: new Map([["a", { count: 1 }]]),
    members: new Set([1]),
    bytes: Uint8Array.of(1),
    secret: new Secret(Uint8Array.of(1)),
  });

  test("does not change, however deep", () => {
    expect(() => Object.assign(state, { list: [] })).toThrow(TypeError);
    expect(() => Object.assign(state.list[0]!, { count: 2 })).toThrow(TypeError);
    expect(() => state.list.push({ count: 2 })).toThrow(TypeError);
    expect(() => Object.assign(state.byName.get("a")!, { count: 2 })).toThrow(TypeError);
  });

  test("does not change what its maps and sets hold", () => {
    expect(() => state.byName.set("b", { count: 2 })).toThrow("does not change");
    expect(() => state.byName.delete("a")).toThrow("does not change");
    expect(() => state.members.add(2)).toThrow("does not change");
    expect(() => state.members.clear()).toThrow("does not change");
    expect([state.byName.size, state.members.size]).toEqual([1, 1]);
  });

  test("can be copied, and its secrets can be wiped", () => {
    expect(new Map(state.byName).set("b", { count: 2 }).size).toBe(2);
    state.secret.wipe();
    expect(state.secret.isWiped).toBe(true);
  });
});
