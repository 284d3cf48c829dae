/**
 * The frozen activations of a site's rows, always computed in the same company, so that a round can be trained again to
 * the bit.
 */
import { firstBlocks } from "./batches.ts";
import {
  type Activations,
  activationsOf,
  type ActivationStore,
  type NamedText,
  type Prefix,
} from "./prefix-cache.ts";
import type { Example } from "./trainer.ts";

/** Rows that run through the frozen layers together: alone they take twice as long, and more save little. */
const BLOCK = 16;

export interface FrozenRows {
  readonly prefix: Prefix;
  readonly store: ActivationStore;
  readonly examples: readonly Example[];
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
export const rowActivations = (
  { prefix, store, examples, keptRows }: FrozenRows,
  seed: Uint8Array,
): ((rows: readonly number[]) => Promise<readonly Activations[]>) => {
  const blockOf = firstBlocks({ seed, rows: examples.length }, BLOCK);
  const named = (row: number): NamedText => ({ name: String(row), text: examples[row]!.text });
  const companyOf = (missing: NamedText): readonly NamedText[] => {
    const { start, rows } = blockOf(Number(missing.name));
    return start + rows.length <= keptRows ? rows.map(named) : [missing];
  };
  return (rows) => activationsOf(prefix, store, rows.map(named), companyOf);
};
