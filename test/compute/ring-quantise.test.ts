import {
  CHECK_LANES as CHECK_LANES_OF_COMPUTE,
  inlineRingEngine,
  l2Norm,
  type SignedStream,
} from "@bulkhead/compute";
import { keystream, segmentNonce } from "@bulkhead/crypto";
import {
  CHECK_LANES,
  clipFactor,
  decodeSum,
  encodeScalars,
  type LaneBits,
  maskingStreams,
  type MaskStream,
  memberId,
  payloadLaneCount,
  payloadOf,
  type QuantisePlan,
  quantiseSpec,
  ringLayout,
  unmaskingStreams,
  weightScalar,
} from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";
import { slowDecode } from "../reference/quantise.ts";
import { slowEncode } from "../reference/ring.ts";

const bytes = (name: number, length: number): Uint8Array =>
  keystream({ key: new Uint8Array(32).fill(3), nonce: segmentNonce(name), offset: 0 }, length);

const floats = (name: number, length: number, most: number): Float32Array => {
  const view = new DataView(bytes(name, 4 * length).buffer);
  return Float32Array.from({ length }, (_, i) => (view.getInt32(4 * i, true) / 2 ** 31) * most);
};

test("both packages mean the same check lanes", () => {
  expect(CHECK_LANES).toBe(CHECK_LANES_OF_COMPUTE);
});

describe.each<LaneBits>([16, 32])("a round over vectors of %i bits", (laneBits) => {
  const plan: QuantisePlan = {
    laneBits,
    members: 5,
    tensors: [
      { name: "a", length: 301, range: 0.5 },
      { name: "b", length: 90, range: 0.01 },
    ],
    scalars: [
      weightScalar(4),
      { name: "clamped", least: 0, most: 391, resolution: 1 },
      { name: "loss", least: 0, most: 100_000, resolution: 2 ** -10 },
    ],
    weightClasses: 4,
  };
  const layout = ringLayout({ laneBits, payloadLanes: payloadLaneCount(plan), segmentPayloadLanes: 129 });
  const cohort = [1, 2, 3, 4, 5].map((position) => memberId(position));
  const engine = inlineRingEngine();

  const streamOf = ({ sign, ...mask }: MaskStream): SignedStream => {
    const name = mask.type === "self" ? [mask.member] : [mask.member, mask.peer].toSorted((a, b) => a - b);
    return { key: bytes(1_000 + 16 * name[0]! + (name[1] ?? 0), 32), sign };
  };

  const updateOf = (member: number) => floats(member, 391, 0.012);
  const jobOf = (member: number) => {
    const update = updateOf(member);
    return {
      update,
      plan: quantiseSpec(plan),
      factor: clipFactor(l2Norm(update), 0.13) * ((member % 4) / 4 + 0.25),
      roundingSeed: bytes(500 + member, 32),
      scalarLanes: (clamped: number) =>
        encodeScalars(plan, { weight: (member % 4) + 1, clamped, loss: 1.5 * member }),
    };
  };

  /** The vector of a member, masked as in the round. */
  const maskedVector = async (member: (typeof cohort)[number]) => {
    const vector = engine.allocate(layout);
    await engine.quantise(jobOf(member), vector);
    await engine.addStreams(vector, maskingStreams(member, cohort).map(streamOf));
    return vector;
  };

  test.each([[[1, 2, 3, 4, 5]], [[2, 3, 5]], [[4]]])(
    "publishes the plain sum of the survivors %j, bit for bit the slow twin's",
    async (positions) => {
      const survivors = positions.map((position) => memberId(position));
      const sum = engine.allocate(layout);
      for (const member of survivors) {
        const { bytes: masked } = await maskedVector(member);
        for (let offset = 0; offset < masked.length; offset += 100)
          await engine.addChunk(sum, offset, masked.subarray(offset, offset + 100));
      }
      expect(engine.firstNonZeroCheckLane(sum)).toBe(0);
      await engine.addStreams(sum, unmaskingStreams(cohort, survivors).map(streamOf));
      expect(engine.firstNonZeroCheckLane(sum)).toBeUndefined();

      const encoded = survivors.map((member) => slowEncode(jobOf(member), laneBits).lanes);
      const lanes = encoded[0]!.map((_, i) =>
        BigInt.asUintN(
          laneBits,
          encoded.reduce((total, one) => total + one[i]!, 0n),
        ),
      );
      const wanted = slowDecode(plan, lanes, survivors.length);
      const decoded = decodeSum(plan, payloadOf(layout, sum.bytes), survivors.length);
      expect(decoded).toEqual({ mean: Float32Array.from(wanted.mean), scalars: wanted.scalars });
      expect(decoded?.scalars["weight"]).toBe(positions.reduce((total, i) => total + (i % 4) + 1, 0));
      const clamped = survivors.reduce(
        (total, member) => total + slowEncode(jobOf(member), laneBits).clamped,
        0,
      );
      expect(decoded?.scalars["clamped"]).toBe(clamped);
      if (survivors.length === cohort.length) expect(clamped).toBeGreaterThan(0);
    },
  );

  test("decodes to the weighted mean of the clipped updates, within a quantum", async () => {
    const sum = engine.allocate(layout);
    for (const member of cohort) await engine.addChunk(sum, 0, (await maskedVector(member)).bytes);
    await engine.addStreams(sum, unmaskingStreams(cohort, cohort).map(streamOf));
    const decoded = decodeSum(plan, payloadOf(layout, sum.bytes), 5);
    const weights = cohort.map((member) => (member % 4) + 1);
    const total = weights.reduce((a, b) => a + b);
    const quantum = 0.5 / quantiseSpec(plan).largestQuantum;
    for (let i = 0; i < 301; i++) {
      const mean = cohort.reduce((acc, member, m) => {
        const update = updateOf(member);
        return acc + update[i]! * clipFactor(l2Norm(update), 0.13) * (weights[m]! / total);
      }, 0);
      // Each of five members rounds by less than a quantum, and the sum is divided by W = total / 4.
      expect(Math.abs(decoded!.mean[i]! - mean)).toBeLessThan((5 * quantum * 4) / total + 1e-9);
    }
  });

  test("a vector whose masks are another's is noise, and its check lanes say so", async () => {
    const vector = await maskedVector(cohort[0]!);
    await engine.addStreams(
      vector,
      maskingStreams(cohort[1]!, cohort)
        .map(streamOf)
        .map(({ key, sign }) => ({ key, sign: sign === 1 ? (-1 as const) : (1 as const) })),
    );
    expect(engine.firstNonZeroCheckLane(vector)).toBe(0);
    expect(decodeSum(plan, payloadOf(layout, vector.bytes), 1)).toBeUndefined();
  });
});

test("rounding is unbiased: the mean over many seeds is the value itself, well within a quantum", async () => {
  const engine = inlineRingEngine();
  const values = Float32Array.of(0, 0.25, 0.5, 0.75, -0.25, -0.999, 1 / 3, 17.125, -250.4, 299.999, -300);
  const vector = engine.allocate({ laneBits: 32, segmentLanes: [values.length + 2 * CHECK_LANES] });
  const runs = 4_000;
  const sums = new Float64Array(values.length);
  let elsewhere = 0;
  for (let run = 0; run < runs; run++) {
    await engine.quantise(
      {
        update: values,
        plan: { largestQuantum: 300, tensors: [{ length: values.length, scale: 1 }] },
        factor: 1,
        roundingSeed: bytes(run, 32),
        scalarLanes: () => new Uint32Array(),
      },
      vector,
    );
    const lanes = new Int32Array(vector.bytes.buffer);
    for (let i = 0; i < values.length; i++) {
      const quantum = lanes[CHECK_LANES + i]!;
      if (quantum !== Math.floor(values[i]!) && quantum !== Math.ceil(values[i]!)) elsewhere++;
      sums[i]! += quantum;
    }
  }
  expect(elsewhere).toBe(0);
  // A rounding error has a standard deviation of at most 1/2; six of the mean's are allowed.
  for (const [i, value] of values.entries())
    expect(Math.abs(sums[i]! / runs - value)).toBeLessThan((6 * 0.5) / Math.sqrt(runs));
});

test("what is a whole number of quanta is not changed, and what is beyond the range is clamped and counted", async () => {
  const engine = inlineRingEngine();
  const update = Float32Array.of(5, -5, 300, -300, 301, -301, 3e38, -3e38);
  const vector = engine.allocate({ laneBits: 16, segmentLanes: [8 + 2 * CHECK_LANES] });
  const { clamped } = await engine.quantise(
    {
      update,
      plan: { largestQuantum: 300, tensors: [{ length: 8, scale: 1 }] },
      factor: 1,
      roundingSeed: bytes(1, 32),
      scalarLanes: () => new Uint32Array(),
    },
    vector,
  );
  expect(new Int16Array(vector.bytes.buffer).subarray(8, 16)).toEqual(
    Int16Array.of(5, -5, 300, -300, 300, -300, 300, -300),
  );
  expect(clamped).toBe(4);
});

describe("the norm of an update", () => {
  test("is the square root of the sum of squares, in doubles", () => {
    expect(l2Norm(Float32Array.of(3, -4))).toBe(5);
    expect(l2Norm(new Float32Array())).toBe(0);
    // Single precision would stop at 2^24 ones, and overflow at 3e38.
    expect(l2Norm(new Float32Array(17_000_000).fill(1))).toBe(Math.sqrt(17_000_000));
    expect(l2Norm(Float32Array.of(3e38, 3e38)) / Math.fround(3e38)).toBeCloseTo(Math.SQRT2, 12);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "with %d among it is not finite",
    (value) => {
      expect(Number.isFinite(l2Norm(Float32Array.of(1, value, 1)))).toBe(false);
    },
  );
});
