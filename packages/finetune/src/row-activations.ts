/**
 * The frozen activations of a site's rows, always computed in the same company, so that a round can be trained again to
 * the bit.
 */
import { firstBlocks } from "./batches.ts";
import {
  type Activations,
  activationsOf,
  type ActivationStore,
  type Named,
  type RunFrozen,
} from "./prefix-cache.ts";

/** Rows that run through the frozen layers together: alone they take twice as long, and more save little. */
const BLOCK = 16;

export interface FrozenRows<N extends Named> {
  readonly run: RunFrozen<N>;
  readonly store: ActivationStore<N>;
  readonly rows: number;
  /** A row by its number, named by it. */
  readonly named: (row: number) => N;
  /** So many rows have room in the store. */
  readonly keptRows: number;
}

/** From the seed of the orders to what gives the activations of rows. */
export type RowActivations = (
  seed: Uint8Array,
) => (rows: readonly number[]) => Promise<readonly Activations[]>;

/**
 * A row runs with its block of the first order, which is drawn at about the same time. Those that find no room in the
 * store run alone: their block would come with them each time.
 */
export const rowActivations = <N extends Named>(
  { run, store, rows: count, named, keptRows }: FrozenRows<N>,
  seed: Uint8Array,
): ((rows: readonly number[]) => Promise<readonly Activations[]>) => {
  const blockOf = firstBlocks({ seed, rows: count }, BLOCK);
  const companyOf = (missing: N): readonly N[] => {
    const { start, rows } = blockOf(Number(missing.name));
    return start + rows.length <= keptRows ? rows.map(named) : [missing];
  };
  return (rows) => activationsOf(run, store, rows.map(named), companyOf);
};
