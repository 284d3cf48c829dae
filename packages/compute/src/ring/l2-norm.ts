/** The square root of the sum of squares, in doubles; not finite if any value is not. */
export const l2Norm = (values: Float32Array): number => {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!;
  return Math.sqrt(squares);
};
