import fc from "fast-check";

type Mutation = (bytes: readonly number[], place: number, value: number) => readonly number[];

const MUTATIONS: readonly Mutation[] = [
  (bytes, place, value) => bytes.with(place, bytes[place]! ^ (1 << (value & 7))),
  (bytes, place, value) => bytes.with(place, value),
  (bytes, place) => bytes.slice(0, place),
  (bytes, place) => bytes.slice(place),
  (bytes, place) => bytes.toSpliced(place, 1),
  (bytes, place, value) => bytes.toSpliced(place, 0, value),
  (bytes, place) => [...bytes, ...bytes.slice(place)],
  (bytes, place) => bytes.map((byte, i) => (i >= place && i < place + 4 ? 0xff : byte)),
];

/** Random bytes, valid ones, and valid ones changed in one to three places, as transport or an attacker might. */
export const mutated = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(valid, fc.array(changes, { maxLength: 3 })).map(apply),
  );

const changes = fc.tuple(fc.constantFrom(...MUTATIONS), fc.nat(), fc.nat(255));

const apply = ([bytes, steps]: readonly [Uint8Array, readonly (readonly [Mutation, number, number])[]]) =>
  Uint8Array.from(
    steps.reduce<readonly number[]>(
      (changed, [mutation, place, value]) =>
        changed.length === 0 ? [value] : mutation(changed, place % changed.length, value),
      [...bytes],
    ),
  );
