/** `model inspect`: what a model is, whether it can be used here, and if not why. Nothing of the weights is read but their list. */
import { bytesToHex, InputError } from "@bulkhead/base";
import { EXIT, humanBytes, renderTable } from "@bulkhead/console";
import {
  configOf,
  type ModelShape,
  openBaseModel,
  openTextTokenizer,
  openModelChat,
  openWeights,
  parameterCount,
  tokenizerSource,
  useOfShape,
  type Weights,
} from "@bulkhead/finetune";
import { tellResult } from "@bulkhead/party";
import { digestOf } from "./model-digest.ts";

/** A question to the model, and its answer or why there is none. */
type Finding<T> = { readonly found: T } | { readonly refused: string };

export const inspect = async ({ model: place, json }: InspectOptions): Promise<number> => {
  const weights = await openWeights(place);
  try {
    const findings = await findingsOf(place, weights);
    tellResult(json, recordOf(place, weights, findings), linesOf(place, weights, findings));
    return EXIT.done;
  } finally {
    await weights.close();
  }
};

interface InspectOptions {
  readonly model: string;
  readonly json?: true;
}

interface TokenizerFacts {
  readonly tokens: number;
  readonly chatTemplate: Finding<boolean>;
}

interface Findings {
  readonly family: Finding<string>;
  readonly shape: Finding<ModelShape>;
  readonly tokenizer: Finding<TokenizerFacts>;
  readonly digest: Finding<string>;
}

const findingsOf = async (place: string, weights: Weights): Promise<Findings> => ({
  family: await asked(async () => {
    const family = (await configOf(weights))["model_type"];
    return typeof family === "string" ? family.slice(0, 64) : "none named";
  }),
  shape: await asked(async () => {
    const { shape, close } = await openBaseModel(place);
    await close();
    return shape;
  }),
  tokenizer: await asked(async () => {
    const tokenizer = await openTextTokenizer(tokenizerSource(weights));
    return {
      tokens: tokenizer.vocabulary,
      chatTemplate: await asked(async () => openModelChat(tokenizer) !== undefined),
    };
  }),
  digest: await asked(async () => bytesToHex(await digestOf(place))),
});

const asked = async <T>(question: () => Promise<T>): Promise<Finding<T>> => {
  try {
    return { found: await question() };
  } catch (error) {
    if (error instanceof InputError) return { refused: `${error.place}: ${error.problem}` };
    throw error;
  }
};

const foundOf = <T>(finding: Finding<T>): T | undefined => ("found" in finding ? finding.found : undefined);

const problemsOf = ({ family, shape, tokenizer, digest }: Findings): readonly string[] => {
  const chatTemplate = foundOf(tokenizer)?.chatTemplate;
  const refused = [family, shape, tokenizer, digest, chatTemplate].flatMap((finding) =>
    finding !== undefined && "refused" in finding ? [finding.refused] : [],
  );
  return [...new Set(refused)];
};

interface TypeTotal {
  readonly tensors: number;
  readonly values: number;
  readonly bytes: number;
}

/** The largest first. */
const typesOf = ({ tensors }: Weights): readonly (readonly [string, TypeTotal])[] => {
  const totals = new Map<string, TypeTotal>();
  for (const entry of tensors.values()) {
    const { tensors: count, values, bytes } = totals.get(entry.type) ?? { tensors: 0, values: 0, bytes: 0 };
    totals.set(entry.type, {
      tensors: count + 1,
      values: values + parameterCount([entry]),
      bytes: bytes + entry.bytes,
    });
  }
  return [...totals].sort(([, a], [, b]) => b.bytes - a.bytes);
};

const recordOf = (place: string, weights: Weights, findings: Findings) => {
  const shape = foundOf(findings.shape);
  const tokenizer = foundOf(findings.tokenizer);
  return {
    model: place,
    format: weights.format,
    family: foundOf(findings.family) ?? null,
    digest: foundOf(findings.digest) ?? null,
    parameters: parameterCount([...weights.tensors.values()]),
    types: Object.fromEntries(typesOf(weights).map(([type, total]) => [type, { ...total }])),
    shape: shape === undefined ? null : { ...figuresOf(shape), use: useOfShape(shape) },
    tokenizer:
      tokenizer === undefined
        ? null
        : { tokens: tokenizer.tokens, chatTemplate: foundOf(tokenizer.chatTemplate) ?? false },
    supported: problemsOf(findings).length === 0,
    refusals: [...problemsOf(findings)],
  };
};

const figuresOf = (shape: ModelShape) => ({
  layers: shape.layers,
  width: shape.width,
  heads: shape.heads,
  keyValueHeads: shape.keyValueHeads,
  headWidth: shape.headWidth,
  innerWidth: shape.innerWidth,
  vocabulary: shape.vocabulary,
  positions: shape.positions,
  tiedHead: shape.tiedHead,
});

const linesOf = (place: string, weights: Weights, findings: Findings): readonly string[] => {
  const problems = problemsOf(findings);
  const types = typesOf(weights);
  return [
    `${place}: ${foundOf(findings.family) ?? "family unknown"}, ${FORMATS[weights.format]}, ${million(parameterCount([...weights.tensors.values()]))} parameters`,
    ...shapeLines(foundOf(findings.shape)),
    ...tokenizerLines(foundOf(findings.tokenizer)),
    `Digest, for contracts: ${foundOf(findings.digest) ?? "none"}`,
    renderTable({
      head: ["type", "tensors", "values", "bytes"],
      rows: types.map(([type, { tensors, values, bytes }]) => [type, tensors, values, humanBytes(bytes)]),
    }),
    ...(problems.length === 0 ? ["It can be used."] : problems.map((problem) => `Refused: ${problem}`)),
  ];
};

const FORMATS = { safetensors: "safetensors", gguf: "GGUF" };

const million = (count: number): string => `${(count / 1e6).toFixed(count < 1e7 ? 2 : 0)} M`;

const shapeLines = (shape: ModelShape | undefined): readonly string[] =>
  shape === undefined
    ? []
    : [
        `Layers ${shape.layers}, width ${shape.width}, heads ${shape.heads} of ${shape.headWidth} (keys ${shape.keyValueHeads}), inner width ${shape.innerWidth}`,
        `Vocabulary ${shape.vocabulary}, at most ${shape.positions} tokens; ${useOfShape(shape) === "language-model" ? "foretells tokens" : "gives vectors"}`,
      ];

const tokenizerLines = (facts: TokenizerFacts | undefined): readonly string[] =>
  facts === undefined
    ? []
    : [
        `Tokenizer of ${facts.tokens} tokens, ${foundOf(facts.chatTemplate) === true ? "with" : "without"} a chat template`,
      ];
