/** The ring engines there are, which of them this machine can use, and the fastest of those. None is used untested. */
import { InputError } from "@bulkhead/base";
import { cpuRingEngine, type CpuOptions } from "./cpu-ring-engine.ts";
import { measureRingEngine } from "./measure.ts";
import type { RingEngine } from "./ring-engine.ts";
import { ringSelfTest } from "./self-test.ts";
import { openTensorflowRingEngine } from "./tensorflow-ring-engine.ts";
import { openWebgpuRingEngine } from "./webgpu-ring-engine.ts";

/** `auto` measures those that can be used, for a few milliseconds, and takes the fastest. */
export const RING_ENGINE_CHOICES = ["auto", "cpu", "webgpu", "tensorflow"] as const;
export type RingEngineChoice = (typeof RING_ENGINE_CHOICES)[number];

export interface RingEngineOptions extends CpuOptions {
  readonly engine?: RingEngineChoice;
}

export interface RingEngineCandidate {
  readonly name: string;
  /** Throws, in one line, why there is none on this machine; one that is slow by its nature only opens if it `isNamed`. */
  readonly open: (options: CpuOptions, isNamed: boolean) => RingEngine | Promise<RingEngine>;
}

const CANDIDATES: readonly RingEngineCandidate[] = [
  { name: "cpu", open: (options) => cpuRingEngine(options) },
  {
    name: "webgpu",
    open: (options, isNamed) =>
      openWebgpuRingEngine({ host: () => cpuRingEngine(options), software: isNamed }),
  },
  {
    name: "tensorflow",
    open: (options, isNamed) => {
      // Not even opened for a measurement: the library takes longer to load than a round to add up.
      if (!isNamed) throw new Error("only used where it is named: every sum goes to its tensors and back");
      return openTensorflowRingEngine({ host: () => cpuRingEngine(options) });
    },
  },
];

/**
 * Throws an {@link InputError} where the engine that was asked for, or with `auto` every one, cannot be used or does not
 * give its known answers. An engine never keeps the process alive while idle. What `auto` has once chosen it keeps.
 */
export const openRingEngine = async (
  { engine: choice = "auto", ...options }: RingEngineOptions = {},
  candidates = CANDIDATES,
): Promise<RingEngine> => {
  const wanted = choice === "auto" ? (fastest.get(candidates) ?? choice) : choice;
  const named = candidates.filter(({ name }) => wanted === "auto" || name === wanted);
  const tried = await tryAll(named, options, choice !== "auto");
  const usable = tried.filter((one) => one.type === "usable");
  if (usable.length === 0) throw unavailable(choice, tried, candidates);
  const engine = await fastestOf(usable.map((one) => one.engine));
  if (choice === "auto") fastest.set(candidates, engine.name);
  return engine;
};

/** What `auto` has chosen in this process. */
const fastest = new WeakMap<readonly RingEngineCandidate[], string>();

export type RingEngineStatus = { readonly name: string } & (
  | { readonly usable: true; readonly detail: string; readonly gigabytesPerSecond: number }
  | { readonly usable: false; readonly why: string }
);

/** Each engine there is: how fast it adds keystream here (see {@link measureRingEngine}), or why it cannot be used. */
export const ringEngines = async (
  options: CpuOptions = {},
  candidates = CANDIDATES,
): Promise<readonly RingEngineStatus[]> => {
  const statuses: RingEngineStatus[] = [];
  for (const one of await tryAll(candidates, options, false)) {
    const { name } = one;
    if (one.type === "refused") statuses.push({ name, usable: false, why: one.why });
    else {
      const gigabytesPerSecond = await measureRingEngine(one.engine);
      statuses.push({ name, usable: true, detail: one.engine.detail, gigabytesPerSecond });
      await one.engine.close();
    }
  }
  return statuses;
};

type Tried = { readonly name: string } & (
  | { readonly type: "usable"; readonly engine: RingEngine }
  | { readonly type: "refused"; readonly why: string }
);

const tryAll = async (
  candidates: readonly RingEngineCandidate[],
  options: CpuOptions,
  isNamed: boolean,
): Promise<readonly Tried[]> => {
  const tried: Tried[] = [];
  for (const candidate of candidates) tried.push(await tryOpen(candidate, options, isNamed));
  return tried;
};

const tryOpen = async (
  { name, open }: RingEngineCandidate,
  options: CpuOptions,
  isNamed: boolean,
): Promise<Tried> => {
  let engine: RingEngine | undefined;
  try {
    engine = await open(options, isNamed);
    const problem = await ringSelfTest(engine);
    if (problem === undefined) return { type: "usable", name, engine };
    await engine.close();
    return { type: "refused", name, why: `refused, it fails its self-test: it ${problem}` };
  } catch (error) {
    await engine?.close();
    return {
      type: "refused",
      name,
      why: error instanceof Error ? error.message.split("\n")[0]! : String(error),
    };
  }
};

/** Closes the others. */
const fastestOf = async (engines: readonly RingEngine[]): Promise<RingEngine> => {
  let [best] = engines;
  let most = -Infinity;
  for (const engine of engines.length > 1 ? engines : []) {
    const rate = await measureRingEngine(engine);
    if (rate > most) [best, most] = [engine, rate];
  }
  for (const engine of engines) if (engine !== best) await engine.close();
  return best!;
};

const unavailable = (
  choice: string,
  tried: readonly Tried[],
  candidates: readonly RingEngineCandidate[],
): InputError => {
  const names = ["auto", ...candidates.map(({ name }) => name)].join(", ");
  const refusals = tried.flatMap((one) => (one.type === "refused" ? [`${one.name}: ${one.why}`] : []));
  return new InputError({
    code: refusals.length === 0 ? "ring-engine-unknown" : "ring-engine-unavailable",
    place: `ring engine ${choice}`,
    problem: refusals.join("; ") || "there is no ring engine of that name",
    cure: `choose one of ${names}`,
  });
};
