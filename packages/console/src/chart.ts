/** Charts for people: a line over rounds, bars side by side. */
import asciichart from "asciichart";
import { hasColours } from "./has-colours.ts";
import { printable } from "./printable.ts";

export interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

export interface LineChartOptions {
  /** In lines of text. */
  readonly height?: number;
  readonly digits?: number;
  /** One chart in colours, or one chart for each series; by default what the terminal can show. */
  readonly colours?: boolean;
}

const COLOURS = [asciichart.green, asciichart.blue, asciichart.yellow, asciichart.magenta];
const RESET = "\u001B[0m";

/** All series over one scale. A series without values is left out. */
export const lineChart = (
  series: readonly Series[],
  { height = 8, digits = 3, colours = hasColours(process.stdout) }: LineChartOptions = {},
): string => {
  const drawn = series.filter(({ values }) => values.length > 0);
  if (drawn.length === 0) return "";
  const all = drawn.flatMap(({ values }) => values);
  const [min, max] = [Math.min(...all), Math.max(...all)];
  const options = { height, min, max, format: (value: number) => value.toFixed(digits).padStart(9) };
  const plots = colours
    ? [
        asciichart.plot(drawn.map(long), {
          ...options,
          colors: drawn.map((_, i) => COLOURS[i % COLOURS.length]!),
        }),
      ]
    : drawn.map((one) => asciichart.plot([long(one)], options).replaceAll(/ +$/gmu, ""));
  const names = drawn.map(({ name }, i) => legend(name, colours ? COLOURS[i % COLOURS.length] : undefined));
  return colours
    ? [...plots, names.join("  ")].join("\n")
    : plots.map((plot, i) => `${names[i]}\n${plot}`).join("\n");
};

/** A single value is drawn as a level line: one point alone has no width. */
const long = ({ values }: Series): readonly number[] =>
  values.length === 1 ? [...values, values[0]!] : values;

const legend = (name: string, colour: string | undefined): string =>
  colour === undefined ? printable(name) : `${colour}── ${printable(name)}${RESET}`;

export interface Bar {
  readonly name: string;
  readonly value: number;
}

const BAR_WIDTH = 40;

/** Lengths from zero to the largest value, or to `most`. */
export const barChart = (bars: readonly Bar[], digits = 3, most?: number): string => {
  const longest = Math.max(0, ...bars.map(({ name }) => printable(name).length));
  const full = most ?? Math.max(0, ...bars.map(({ value }) => value));
  return bars
    .map(({ name, value }) => {
      const share = full > 0 ? Math.min(1, Math.max(0, value / full)) : 0;
      const bar = "█".repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, "░");
      return `${printable(name).padEnd(longest)} ${bar} ${value.toFixed(digits)}`;
    })
    .join("\n");
};
