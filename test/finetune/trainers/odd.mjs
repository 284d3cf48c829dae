// A site's own trainer that does what such a module may get wrong: in a round what the row of that number
// says, and before all rounds what the first row says.
const length = (tensors) =>
  tensors.reduce((sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1), 0);

const outcomes = {
  short: () => ({ type: "trained", update: new Float32Array(1), examples: 1, lossSum: 0 }),
  list: (size) => ({ type: "trained", update: Array(size).fill(0), examples: 1, lossSum: 0 }),
  double: (size) => ({ type: "trained", update: new Float64Array(size), examples: 1, lossSum: 0 }),
  infinite: (size) => ({
    type: "trained",
    update: new Float32Array(size).fill(1 / 0, size - 1),
    examples: 1,
    lossSum: 0,
  }),
  uncounted: (size) => ({ type: "trained", update: new Float32Array(size), examples: -1, lossSum: 0 }),
  unsummed: (size) => ({ type: "trained", update: new Float32Array(size), examples: 1, lossSum: NaN }),
  silent: () => undefined,
  failing: () => ({ type: "failed", code: "non-finite-loss", facts: { step: 2, rows: [0] } }),
  inventive: () => ({ type: "failed", code: "tired", facts: {} }),
  throwing: () => {
    throw new RangeError("as asked");
  },
  exiting: () => process.exit(3),
  hanging: () => new Promise(() => {}),
};

export const createTrainer = async ({ examples, tensors }) => {
  const what = examples[0].text;
  if (what === "nothing") return undefined;
  return {
    backend: "odd",
    tensors: what === "other tensors" ? [{ name: "mine", shape: [2] }] : tensors,
    rows: what === "no count" ? -1 : examples.length,
    train: async ({ round, model }, onStep) => {
      onStep?.(0, round);
      const given = outcomes[examples[(round - 1) % examples.length].text];
      if (given !== undefined) return given(length(tensors));
      return { type: "trained", update: model.map((value) => 2 * value), examples: 5, lossSum: 7, more: 1 };
    },
    evaluate: async () =>
      what === "no figures" ? {} : { examples: 1, loss: 2, accuracy: 0.5, balancedAccuracy: 0.25 },
    close: async () => {},
  };
};
