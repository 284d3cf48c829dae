/** The whole table. */
import { convolutions } from "./convolutions.ts";
import { elementwise } from "./elementwise.ts";
import { images } from "./images.ts";
import { indexing } from "./indexing.ts";
import { integerArithmetic } from "./integer-arithmetic.ts";
import { integerMoves } from "./integer-moves.ts";
import { networks } from "./networks.ts";
import { pairs } from "./pairs.ts";
import type { ParityCase } from "./parity-case.ts";
import { products } from "./products.ts";
import { reductions } from "./reductions.ts";
import { rearranged } from "./rearranged.ts";
import { shapes } from "./shapes.ts";

export const PARITY_CASES: readonly ParityCase[] = [
  ...products,
  ...elementwise,
  ...pairs,
  ...reductions,
  ...shapes,
  ...rearranged,
  ...indexing,
  ...convolutions,
  ...images,
  ...networks,
  ...integerArithmetic,
  ...integerMoves,
];
