/** Convolutions and pools by their definitions: [images, rows, columns, channels]. */
import { at, build, type PlainTensor } from "./plain-tensor.ts";

export interface Window {
  readonly side: number;
  readonly stride: number;
  readonly pad: "same" | "valid";
  readonly dilation?: number;
}

/** How many windows fit along an axis, and how far before the first value the first one begins. */
const along = (length: number, { side, stride, pad, dilation = 1 }: Window) => {
  const reach = (side - 1) * dilation + 1;
  if (pad === "valid") return { count: Math.floor((length - reach) / stride) + 1, before: 0 };
  const count = Math.ceil(length / stride);
  return { count, before: Math.floor(Math.max((count - 1) * stride + reach - length, 0) / 2) };
};

/** [images, rows, columns, channels] by [side, side, channels, filters]. */
export const convolution = (x: PlainTensor, filter: PlainTensor, window: Window): PlainTensor => {
  const { stride, dilation = 1 } = window;
  const [rows, columns] = [along(x.shape[1]!, window), along(x.shape[2]!, window)];
  const [high, wide, channels] = filter.shape;
  return build([x.shape[0]!, rows.count, columns.count, filter.shape[3]!], ([n, i, j, f]) => {
    let total = 0;
    for (let di = 0; di < high!; di++)
      for (let dj = 0; dj < wide!; dj++)
        for (let c = 0; c < channels!; c++)
          total +=
            at(
              x,
              n!,
              i! * stride + di * dilation - rows.before,
              j! * stride + dj * dilation - columns.before,
              c,
            ) * at(filter, di, dj, c, f!);
    return total;
  });
};

/** Each channel by filters of its own: [side, side, channels, filters per channel]. */
export const depthwise = (x: PlainTensor, filter: PlainTensor, window: Window): PlainTensor => {
  const each = filter.shape[3]!;
  const parts = Array.from({ length: x.shape[3]! }, (_, c) =>
    convolution(
      build([...x.shape.slice(0, 3), 1], ([n, i, j]) => at(x, n!, i!, j!, c)),
      build([filter.shape[0]!, filter.shape[1]!, 1, each], ([i, j, , f]) => at(filter, i!, j!, c, f!)),
      window,
    ),
  );
  return build([...parts[0]!.shape.slice(0, 3), parts.length * each], ([n, i, j, f]) =>
    at(parts[Math.floor(f! / each)]!, n!, i!, j!, f! % each),
  );
};

export const pool = (
  x: PlainTensor,
  window: Window,
  rule: (values: readonly number[]) => number,
): PlainTensor => {
  const [rows, columns] = [along(x.shape[1]!, window), along(x.shape[2]!, window)];
  const isInside = (i: number, j: number) => i >= 0 && j >= 0 && i < x.shape[1]! && j < x.shape[2]!;
  return build([x.shape[0]!, rows.count, columns.count, x.shape[3]!], ([n, i, j, c]) => {
    const values: number[] = [];
    for (let di = 0; di < window.side; di++)
      for (let dj = 0; dj < window.side; dj++) {
        const [row, column] = [
          i! * window.stride + di - rows.before,
          j! * window.stride + dj - columns.before,
        ];
        if (isInside(row, column)) values.push(at(x, n!, row, column, c!));
      }
    return rule(values);
  });
};
