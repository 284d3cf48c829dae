/** The tensors that a model of a shape has, by their Hugging Face names: all that is loaded, known before anything is. */
import type { TensorSpec } from "../trainer.ts";
import { linearSizes } from "./load-model.ts";
import type { ModelShape, ModelUse } from "./model-shape.ts";
import { projectionNames, type TensorNames, tensorNames } from "./tensor-names.ts";

export const modelTensors = (shape: ModelShape, use: ModelUse): readonly TensorSpec[] => {
  const names = tensorNames(shape.family, use);
  const table = (name: string | undefined, rows: number): readonly TensorSpec[] =>
    name === undefined ? [] : [{ name: `${names.prefix}${name}.weight`, shape: [rows, shape.width] }];
  const { position } = shape;
  const isLearned = position.type === "learned";
  return [
    ...table(names.words, shape.vocabulary),
    ...(isLearned ? table(names.positions, shape.positions + position.offset) : []),
    ...(isLearned ? table(names.types, shape.tokenTypes) : []),
    ...normTensors(shape, names.embeddingNorm && names.prefix + names.embeddingNorm, shape.width),
    ...normTensors(shape, names.finalNorm && names.prefix + names.finalNorm, shape.width),
    ...Array.from({ length: shape.layers }, (_, i) => layerTensors(shape, names, i)).flat(),
    ...(use === "language-model" && !shape.tiedHead
      ? [{ name: `${names.head}.weight`, shape: [shape.vocabulary, shape.width] }]
      : []),
  ];
};

const normTensors = ({ norm }: ModelShape, name: string | undefined, width: number): readonly TensorSpec[] =>
  name === undefined
    ? []
    : [
        { name: `${name}.weight`, shape: [width] },
        ...(norm.type === "layer" ? [{ name: `${name}.bias`, shape: [width] }] : []),
      ];

const layerTensors = (shape: ModelShape, names: TensorNames, index: number): readonly TensorSpec[] => {
  const { layer, inputsFirst } = names;
  const prefix = `${names.prefix}${names.layers}.${index}.`;
  const norm = (name: string, width: number) => normTensors(shape, prefix + name, width);
  const sizes = linearSizes(shape, names);
  return [
    ...norm(layer.attentionNorm, shape.width),
    ...norm(layer.feedForwardNorm, shape.width),
    ...(shape.headNorms ? (layer.headNorms ?? []) : []).flatMap((name) => norm(name, shape.headWidth)),
    ...projectionNames(names).flatMap((name) => {
      const { inputs, outputs, hasBias } = sizes.get(name)!;
      return [
        { name: `${prefix}${name}.weight`, shape: inputsFirst ? [inputs, outputs] : [outputs, inputs] },
        ...(hasBias ? [{ name: `${prefix}${name}.bias`, shape: [outputs] }] : []),
      ];
    }),
  ];
};
