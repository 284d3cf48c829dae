/** What each ring engine does on this machine: whether it is exact, and how fast it expands and adds masks. */
import { openRingEngine } from "../ring/open-ring-engine.ts";
import type { RingEngine } from "../ring/ring-engine.ts";

export type RingSurvey = { readonly name: string } & (
  | { readonly usable: false; readonly problem: string; readonly cure: string }
  | {
      readonly usable: true;
      /** Of mask streams, expanded and added, on all its threads together. */
      readonly gigabytesPerSecond: number;
    }
);

export const surveyRingEngines = async (): Promise<readonly RingSurvey[]> => {
  const engine = await openRingEngine();
  try {
    return [{ name: engine.name, usable: true, gigabytesPerSecond: await maskRate(engine) }];
  } finally {
    await engine.close();
  }
};

const LANES = 2 ** 22;
const STREAMS = 4;
const MEASURED_MS = 250;

const maskRate = async (engine: RingEngine): Promise<number> => {
  const target = engine.allocate({ laneBits: 16, segmentLanes: [LANES] });
  const streams = Array.from(
    { length: STREAMS },
    (_, i) => ({ key: new Uint8Array(32).fill(i), sign: 1 }) as const,
  );
  await engine.addStreams(target, streams);
  const started = performance.now();
  let runs = 0;
  do {
    await engine.addStreams(target, streams);
    runs++;
  } while (performance.now() - started < MEASURED_MS);
  return (runs * STREAMS * target.bytes.length) / (performance.now() - started) / 1e6;
};
