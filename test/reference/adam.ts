/** Adam as its paper writes it [KB15, algorithm 1], one number after the other, in 64 bits. */

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly learningRate: number;
}

type Gradient = (parameters: readonly number[], step: number) => Promise<readonly number[]>;

export const adamSteps = async (
  { beta1, beta2, epsilon, learningRate }: AdamOptions,
  start: readonly number[],
  steps: number,
  gradient: Gradient,
): Promise<readonly number[]> => {
  const parameters = [...start];
  const [m, v] = [start.map(() => 0), start.map(() => 0)];
  for (let t = 1; t <= steps; t++) {
    const g = await gradient(parameters, t - 1);
    for (const i of parameters.keys()) {
      m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
      v[i] = beta2 * v[i]! + (1 - beta2) * g[i]! ** 2;
      const mHat = m[i] / (1 - beta1 ** t);
      const vHat = v[i] / (1 - beta2 ** t);
      parameters[i]! -= (learningRate * mHat) / (Math.sqrt(vHat) + epsilon);
    }
  }
  return parameters;
};
