// A trainer that trains nothing: its update is made once, so that a round costs what a round costs without training.
const coordinate = (i) => ((i * 7919) % 201) - 100;

export const createTrainer = ({ examples, tensors }) => {
  const length = tensors.reduce((sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1), 0);
  const values = Float32Array.from({ length }, (_, i) => coordinate(i));
  return {
    backend: "idle",
    tensors,
    rows: examples.length,
    // A copy: whoever takes an update wipes it.
    train: async () => ({ type: "trained", update: values.slice(), examples: examples.length, lossSum: 0 }),
    evaluate: async () => ({ examples: 0, loss: 0, accuracy: 0, balancedAccuracy: 0 }),
    close: async () => {},
  };
};
