/** Rows of whole rounds with real processes on the loopback: what one takes, and what it costs on the wire. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { freePort } from "@bulkhead/scenarios";
import { exchangesOf, playBareRounds } from "./bare-round.ts";
import { openCountingRelay } from "./counting-relay.ts";
import { playIdle, setUpIdle } from "./idle-federation.ts";
import { type Bench, machineName, type Row, spreadOf } from "./paired.ts";

const MEMBERS = 10;
const LANE_BYTES = 2;

const inFreshFolder = async <T>(use: (folder: string) => Promise<T>): Promise<T> => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-bench-"));
  try {
    return await use(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
};

const LATENCY = { parameters: 100_000, rounds: 40, warm: 5 };

/** The cold round is left out, and four more, which the compiler has not seen often enough. */
const latencyRow = async (name: string): Promise<Row> => {
  const { parameters, rounds, warm } = LATENCY;
  const exchanges = exchangesOf(MEMBERS, LANE_BYTES * parameters);
  const played = await inFreshFolder(async (folder) => {
    const federation = await setUpIdle({
      folder,
      members: MEMBERS,
      parameters,
      rounds,
      segmentLanes: 65_536,
    });
    const before = await playBareRounds(MEMBERS, exchanges, rounds);
    const ours = await playIdle(federation, LATENCY);
    const after = await playBareRounds(MEMBERS, exchanges, rounds);
    return {
      ours: ours.rounds.map(({ seconds }) => seconds),
      cpu: ours.cpuSeconds,
      bare: [...before.slice(warm), ...after.slice(warm)],
    };
  });
  const spread = spreadOf(played.ours.slice(warm));
  const bare = spreadOf(played.bare);
  return {
    name,
    value: spread.median,
    unit: `s a round (the cold one ${played.ours[0]!.toFixed(2)}; CPU of all processes ${played.cpu?.toFixed(2) ?? "unknown"})`,
    baseline: { name: "the same messages over plain WebSockets, before and after", value: bare.median },
    ratio: spread.median / bare.median,
    machine: machineName(),
    spread,
  };
};

const WIRE = { parameters: 1_000_000, rounds: 2 };

/** From one site to the coordinator, handshake and all; below it no lane of 16 bits can go. */
const bytesRow = async (name: string): Promise<Row> => {
  const { parameters, rounds } = WIRE;
  const listening = await freePort();
  const relay = await openCountingRelay(listening);
  await inFreshFolder(async (folder) => {
    const plan = { folder, members: MEMBERS, parameters, rounds, segmentLanes: 1_048_576 };
    await playIdle(await setUpIdle({ ...plan, listening, dialled: relay.port }), { rounds, warm: 1 });
  });
  relay.close();
  const value = relay.bytes().up / (MEMBERS * rounds * parameters);
  return {
    name,
    value,
    unit: "bytes up",
    baseline: { name: "lanes of 16 bits", value: LANE_BYTES },
    ratio: value / LANE_BYTES,
    machine: machineName(),
    spread: spreadOf([value]),
  };
};

export const roundBenches: readonly Bench[] = [
  { name: "bytes-per-parameter", run: () => bytesRow("bytes-per-parameter") },
  { name: "round-latency", run: () => latencyRow("round-latency") },
];
