import { Secret } from "@bulkhead/base";
import { inlineRingEngine } from "@bulkhead/compute";
import { payloadOf } from "@bulkhead/secagg";
import {
  addLanes,
  addStreams,
  areCheckLanesZero,
  federation,
  SeededRandom,
  withCheckLanes,
} from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";

describe.each([16, 32] as const)("lanes of %i bits", (laneBits) => {
  const { layout } = federation("lanes", { members: 4, laneBits }).job;
  const random = new SeededRandom(`lanes/${laneBits}`);
  const streams = ([1, -1, -1] as const).map((sign) => ({ key: new Secret(random.bytes(32)), sign }));

  test("get the same masks from here as from the engine that the product runs", async () => {
    const engine = inlineRingEngine();
    const vector = engine.allocate(layout);
    await engine.addStreams(
      vector,
      streams.map(({ key, sign }) => ({ key: key.reveal(), sign })),
    );
    const own = new Uint8Array(layout.byteLength);
    addStreams(layout, own, streams);
    expect(Buffer.compare(own, vector.bytes)).toBe(0);
  });

  test("are added and taken away modulo their width", () => {
    const [a, b] = [random.bytes(layout.byteLength), random.bytes(layout.byteLength)];
    const sum = Uint8Array.from(a);
    addLanes(layout, sum, { from: b, sign: 1 });
    expect(Buffer.compare(sum, a)).not.toBe(0);
    addLanes(layout, sum, { from: b, sign: -1 });
    expect(Buffer.compare(sum, a)).toBe(0);
  });

  test("stand between check lanes, of which a single wrong one is seen", () => {
    const payload = random.bytes((layout.payloadLanes * laneBits) / 8);
    const vector = withCheckLanes(layout, payload);
    expect(Buffer.compare(payloadOf(layout, vector), payload)).toBe(0);
    expect(areCheckLanesZero(layout, vector)).toBe(true);
    for (const at of [0, vector.length - 1]) {
      const wrong = Uint8Array.from(vector);
      wrong[at] = 1;
      expect(areCheckLanesZero(layout, wrong)).toBe(false);
    }
  });
});
