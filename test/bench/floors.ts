/** What this machine can do at most, measured: memory, keystream and matrix products. */
import { type BackendName, openBackend } from "@bulkhead/compute";
import { bareKeystream } from "./bare-keystream.ts";
import { type Spread, spreadOf } from "./paired.ts";

export interface Floor {
  readonly name: string;
  readonly unit: string;
  /** Per second of CPU time, as the rows are. */
  readonly rate: Spread;
}

const RUNS = 7;

const ratesOf = async (units: number, run: () => unknown): Promise<Spread> => {
  const rates: number[] = [];
  for (let i = 0; i <= RUNS; i++) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    rates.push((units * 1e6) / (user + system));
  }
  return spreadOf(rates.slice(1));
};

const MEMORY = 64e6;

/** Bytes read and bytes written both count. */
const memory = async (): Promise<Floor> => {
  const [from, to] = [new Uint8Array(MEMORY).fill(1), new Uint8Array(MEMORY).fill(2)];
  const rate = await ratesOf((2 * 8 * MEMORY) / 1e9, () => {
    for (let i = 0; i < 8; i++) to.set(from);
  });
  return { name: "memory, by a copy loop", unit: "GB/s", rate };
};

const KEYSTREAM = 256e6;

const keystream = async (): Promise<Floor> => {
  const rate = await ratesOf(KEYSTREAM / 1e9, () => bareKeystream(KEYSTREAM));
  return { name: "keystream, ChaCha20 by OpenSSL", unit: "GB/s", rate };
};

const SIDE = 1024;

const matMul = async (name: BackendName): Promise<Floor> => {
  const { tf } = await openBackend(name);
  const [a, b] = [tf.randomUniform([SIDE, SIDE]), tf.randomUniform([SIDE, SIDE])];
  const rate = await ratesOf((2 * 4 * SIDE ** 3) / 1e9, async () => {
    for (let i = 0; i < 4; i++) {
      const product = tf.matMul(a, b);
      await product.data();
      product.dispose();
    }
  });
  return { name: `matrix product of ${SIDE} x ${SIDE}, ${name}`, unit: "GFLOP/s", rate };
};

/** A backend that does not open here has none. */
const matMulOrNone = (name: BackendName): Promise<Floor | undefined> => matMul(name).catch(() => undefined);

export const measureFloors = async (): Promise<readonly Floor[]> => {
  const floors = [
    await memory(),
    await keystream(),
    await matMulOrNone("tensorflow"),
    await matMulOrNone("wasm"),
  ];
  return floors.filter((floor) => floor !== undefined);
};

export const floorText = ({ name, unit, rate }: Floor): string =>
  `${name.padEnd(40)} ${rate.median.toPrecision(3)} ${unit} (${rate.min.toPrecision(3)} to ${rate.max.toPrecision(3)})`;
