/** The decoding of a sum as protocol.md 2.4 has it, in big integers up to the last division. */
import type { QuantisePlan } from "@bulkhead/secagg";

/** Mean and sums of scalars from the lanes of the sum, unsigned, over so many contributors. */
export const slowDecode = (
  plan: QuantisePlan,
  lanes: readonly bigint[],
  contributors: number,
): { readonly mean: readonly number[]; readonly scalars: Readonly<Record<string, number>> } => {
  const ranges = plan.tensors.flatMap(({ length, range }) => Array.from({ length }, () => range));
  const scalars = slowScalarSums(plan, lanes.slice(ranges.length), contributors);
  const largest = Math.floor((2 ** (plan.laneBits - 1) - 1) / plan.members);
  const mean = ranges.map((range, i) =>
    Math.fround(
      Number(BigInt.asIntN(plan.laneBits, lanes[i]!)) /
        ((largest / range) * (scalars["weight"]! / plan.weightClasses)),
    ),
  );
  return { mean, scalars };
};

const slowScalarSums = (
  plan: QuantisePlan,
  digits: readonly bigint[],
  contributors: number,
): Readonly<Record<string, number>> => {
  let base = 1n;
  while (2n * base * BigInt(plan.members) <= 2n ** BigInt(plan.laneBits) - 1n) base *= 2n;
  const rest = [...digits];
  const sums = plan.scalars.map(({ name, least, most, resolution }) => {
    let steps = 0n;
    let power = 1n;
    for (; power <= BigInt(Math.round((most - least) / resolution)); power *= base)
      steps += rest.shift()! * power;
    return [name, contributors * least + Number(steps) * resolution] as const;
  });
  if (rest.length > 0) throw new Error("more digits than scalars");
  return Object.fromEntries(sums);
};
