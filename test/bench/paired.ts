/**
 * Measuring on a machine that others use too: a piece of work and its baseline take turns in one process, and what is
 * compared is each with its neighbour. CPU seconds count all threads of the process; wall time is told beside them.
 */
import os from "node:os";

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

interface Times {
  /** In seconds. */
  readonly cpu: Spread;
  readonly wall: Spread;
}

/** `ratio` is the work's time over the baseline's, run by run. */
export interface Pair {
  readonly work: Times;
  readonly baseline: Times;
  readonly ratio: { readonly cpu: Spread; readonly wall: Spread };
}

/** A figure of a report: for a rate more is better, for a time less. */
export interface Row {
  readonly name: string;
  /** The median, and that of the baseline in the same unit. */
  readonly value: number;
  readonly unit: string;
  readonly baseline: { readonly name: string; readonly value: number };
  /** The median of value over baseline, run by run. */
  readonly ratio: number;
  readonly machine: string;
  readonly spread: Spread;
  /** Of what was timed in this process; a count of bytes has none. */
  readonly pair?: Pair;
}

/** What a report is made of; names are unique over all of them. */
export interface Bench {
  readonly name: string;
  readonly run: () => Promise<Row>;
}

type Run = () => unknown;

/** Runs both `runs` times in turn, after once for the compiler. */
export const measurePair = async (work: Run, baseline: Run, runs: number): Promise<Pair> => {
  const rounds: { readonly work: Sample; readonly baseline: Sample }[] = [];
  for (let run = 0; run <= runs; run++)
    rounds.push({ work: await sampleOf(work), baseline: await sampleOf(baseline) });
  const kept = rounds.slice(1);
  const ratioOf = (clock: keyof Sample) =>
    spreadOf(kept.map((round) => round.work[clock] / round.baseline[clock]));
  return {
    work: timesOf(kept.map((round) => round.work)),
    baseline: timesOf(kept.map((round) => round.baseline)),
    ratio: { cpu: ratioOf("cpu"), wall: ratioOf("wall") },
  };
};

interface Sample {
  readonly cpu: number;
  readonly wall: number;
}

const sampleOf = async (run: Run): Promise<Sample> => {
  const [cpuBefore, wallBefore] = [process.cpuUsage(), performance.now()];
  await run();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { cpu: (user + system) / 1e6, wall: (performance.now() - wallBefore) / 1e3 };
};

const timesOf = (samples: readonly Sample[]): Times => ({
  cpu: spreadOf(samples.map(({ cpu }) => cpu)),
  wall: spreadOf(samples.map(({ wall }) => wall)),
});

export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { min: sorted[0]!, median, max: sorted.at(-1)! };
};

export interface PairedBench {
  readonly name: string;
  readonly work: Run;
  readonly baseline: { readonly name: string; readonly run: Run };
  /** Seconds if nothing is said; `rate` divides so many units by the time. */
  readonly rate?: { readonly unit: string; readonly units: number; readonly baselineUnits: number };
  /** What is compared; CPU time unless it is said. */
  readonly clock?: "cpu" | "wall";
  readonly runs?: number;
}

const RUNS = 7;

/** Measures, and gives the figure as a row. */
export const rowOf = async ({
  name,
  work,
  baseline,
  rate,
  clock = "cpu",
  runs = RUNS,
}: PairedBench): Promise<Row> => {
  const pair = await measurePair(work, baseline.run, runs);
  const times = { work: pair.work[clock], baseline: pair.baseline[clock], ratio: pair.ratio[clock] };
  const machine = machineName();
  if (rate === undefined)
    return {
      name,
      value: times.work.median,
      unit: `${clock} s`,
      baseline: { name: baseline.name, value: times.baseline.median },
      ratio: times.ratio.median,
      machine,
      spread: times.work,
      pair,
    };
  const { units, baselineUnits, unit } = rate;
  return {
    name,
    value: units / times.work.median,
    unit,
    baseline: { name: baseline.name, value: baselineUnits / times.baseline.median },
    ratio: units / baselineUnits / times.ratio.median,
    machine,
    spread: { min: units / times.work.max, median: units / times.work.median, max: units / times.work.min },
    pair,
  };
};

export const machineName = (): string =>
  `${os.cpus()[0]?.model.trim() ?? os.arch()}, ${os.availableParallelism()} cores, Node ${process.versions.node}`;

/** One line for a person. */
export const rowText = ({ name, value, unit, baseline, ratio, spread, pair }: Row): string => {
  const shown = (figure: number) => figure.toPrecision(3);
  const wall =
    pair === undefined
      ? ""
      : `; wall ${shown(pair.work.wall.median)} s, beside ${shown(pair.baseline.wall.median)} s`;
  return (
    `${name.padEnd(20)} ${shown(value)} ${unit} (${shown(spread.min)} to ${shown(spread.max)}), ` +
    `${shown(ratio)} x ${baseline.name} ${shown(baseline.value)}${wall}`
  );
};
