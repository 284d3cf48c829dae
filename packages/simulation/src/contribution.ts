/** What members contribute, what must come out of it, and what a sum does to the model: all of it without a mask. */
import { invariant } from "@bulkhead/base";
import { CLAMPED, CLIPPED, type Job } from "@bulkhead/protocol";
import { decodeSum, encodeScalars, largestQuantum, type MemberId, payloadOf, WEIGHT } from "@bulkhead/secagg";
import { addLanes, withCheckLanes } from "./lanes.ts";
import { SeededRandom } from "./seeded-random.ts";

/** One member's quantised update of a round, check lanes included; the same in every attempt, and over restarts. */
export const contributionOf = (job: Job, seed: string, { member, round }: Contributor): Uint8Array => {
  const { quantisation, layout } = job;
  const random = new SeededRandom(`${seed}/update/${member}/${round}`);
  const most = largestQuantum(quantisation.laneBits, quantisation.members);
  const coordinates = quantisation.tensors.reduce((sum, { length }) => sum + length, 0);
  const scalars = encodeScalars(quantisation, {
    [WEIGHT]: random.between(1, quantisation.weightClasses),
    [CLIPPED]: random.below(2),
    [CLAMPED]: random.below(coordinates),
    loss: random.below(100),
  });
  // The extremes, where an overflow would show, come more often than they would by chance.
  const lanes = Array.from({ length: coordinates }, () =>
    random.pick([most, -most, random.between(-most, most)]),
  );
  return withCheckLanes(layout, lanesToBytes(quantisation.laneBits, [...lanes, ...scalars]));
};

export interface Contributor {
  readonly member: MemberId;
  readonly round: number;
}

/** The plain sum that a round must publish, and nothing else. */
export const plainSum = (
  job: Job,
  seed: string,
  { round, survivors }: { readonly round: number; readonly survivors: readonly MemberId[] },
): Uint8Array => {
  const sum = new Uint8Array(job.layout.byteLength);
  for (const member of survivors)
    addLanes(job.layout, sum, { from: contributionOf(job, seed, { member, round }), sign: 1 });
  return sum;
};

/** The model after a sum over so many survivors; `undefined` for a sum that so many cannot have sent. */
export const modelAfter = (
  { quantisation, layout, contract }: Job,
  model: Float32Array,
  { sum, survivors }: { readonly sum: Uint8Array; readonly survivors: number },
): Float32Array | undefined => {
  const decoded = decodeSum(quantisation, payloadOf(layout, sum), survivors);
  const { rule } = contract.update;
  invariant(rule.type === "fedavg", "simulated federations average");
  const step = rule.serverStep;
  return decoded && model.map((value, i) => Math.fround(value + Math.fround(step * decoded.mean[i]!)));
};

const lanesToBytes = (laneBits: number, lanes: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array((lanes.length * laneBits) / 8);
  const view = new DataView(bytes.buffer);
  for (const [i, lane] of lanes.entries())
    if (laneBits === 16) view.setInt16(2 * i, lane, true);
    else view.setInt32(4 * i, lane, true);
  return bytes;
};
