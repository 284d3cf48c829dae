/** Where the values of a broadcast result come from. */

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, side) => size * side, 1);

/** Which value of an operand of shape `own` belongs to value `index` of the result of shape `result`. */
export const indexInBroadcast = (
  index: number,
  result: readonly number[],
  own: readonly number[],
): number => {
  let [rest, found, stride] = [index, 0, 1];
  for (let axis = result.length - 1; axis >= 0; axis--) {
    const coordinate = rest % result[axis]!;
    rest = (rest - coordinate) / result[axis]!;
    const side = own[axis - (result.length - own.length)];
    if (side === undefined) continue;
    found += (side === 1 ? 0 : coordinate) * stride;
    stride *= side;
  }
  return found;
};
