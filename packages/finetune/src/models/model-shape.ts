/**
 * What distinguishes one transformer from another, as plain data: all families run through the same functions, which
 * read nothing but this.
 */

export type Family = "llama" | "mistral" | "qwen2" | "qwen3" | "gpt2" | "bert" | "roberta" | "xlm-roberta";

export const FAMILIES: readonly Family[] = [
  "llama",
  "mistral",
  "qwen2",
  "qwen3",
  "gpt2",
  "bert",
  "roberta",
  "xlm-roberta",
];

/** How the angles of rotary positions [SLP+21] are stretched beyond the length that a model was first trained on. */
export type RopeScaling =
  | { readonly type: "none" }
  | { readonly type: "linear"; readonly factor: number }
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositions: number;
    };

export type PositionKind =
  | { readonly type: "rotary"; readonly base: number; readonly scaling: RopeScaling }
  /** Row `offset + i` of a learned table stands for position i. */
  | { readonly type: "learned"; readonly offset: number };

export type Activation = "silu" | "gelu" | "gelu-tanh";

export interface ModelShape {
  readonly family: Family;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  /** Fewer than `heads` where several queries share a key [ALJ+23]. */
  readonly keyValueHeads: number;
  readonly headWidth: number;
  readonly innerWidth: number;
  readonly vocabulary: number;
  /** Tokens of the longest row that the model takes. */
  readonly positions: number;
  readonly position: PositionKind;
  readonly norm: {
    readonly type: "root-mean-square" | "layer";
    readonly epsilon: number;
    /** Before each sublayer, with one more at the end; or after each residual sum, as in BERT. */
    readonly place: "before" | "after";
  };
  /** Queries and keys are normalised head by head. */
  readonly headNorms: boolean;
  readonly activation: Activation;
  /** The feed-forward part multiplies two projections, one of them activated [Sha20]. */
  readonly gated: boolean;
  readonly biases: {
    readonly queryKeyValue: boolean;
    readonly output: boolean;
    readonly feedForward: boolean;
  };
  /** A token sees none that follow. */
  readonly causal: boolean;
  /** A token sees itself and so many before it, less one. */
  readonly window: number | undefined;
  /** The head is the table of words. */
  readonly tiedHead: boolean;
  /** Rows of the table of token types; of which the first is used. */
  readonly tokenTypes: number;
}

/** What the outputs are used for; it decides what stands behind the last layer. */
export type ModelUse = "language-model" | "classification" | "embedding";
