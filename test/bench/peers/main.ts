/**
 * `npm run bench:peers`: the same work in Flower and in PyTorch, run in turn with ours. `--json FILE`,
 * `--without flower` or `pytorch`.
 */
import { fork, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { writeModel } from "@bulkhead/finetune";
import { ENCODER, hasEncoder } from "../encoder-work.ts";
import { encoderBenches } from "../encoder.ts";
import { languageBenches } from "../language.ts";
import { languageFile, openLanguageModel } from "../language-work.ts";
import { describeMachine } from "../machine.ts";
import { type Bench, type Row, type Spread, spreadOf } from "../paired.ts";
import { ringBenches } from "../ring.ts";
import type { OurMemory } from "./memory-process.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "string" },
    python: { type: "string", default: "python3" },
    without: { type: "string", multiple: true, default: [] },
  },
});

/** What the ring benches work on. */
const PARAMETERS = 10_000_000;

interface PeerRow {
  readonly name: string;
  readonly unit: string;
  readonly ours: Spread;
  readonly peer: Spread & { readonly name: string };
  /** How many times ours goes into the peer's. */
  readonly ratio: number;
}

const peerRow = (
  name: string,
  unit: string,
  {
    ours,
    theirs,
    peer,
  }: { readonly ours: readonly number[]; readonly theirs: readonly number[]; readonly peer: string },
): PeerRow => {
  const [own, other] = [spreadOf(ours), spreadOf(theirs)];
  return { name, unit, ours: own, peer: { name: peer, ...other }, ratio: other.median / own.median };
};

const rowText = ({ name, unit, ours, peer, ratio }: PeerRow): string => {
  const shown = ({ min, median, max }: Spread) =>
    `${median.toPrecision(3)} ${unit} (${min.toPrecision(3)} to ${max.toPrecision(3)})`;
  return `${name.padEnd(24)} ours ${shown(ours)}, ${peer.name} ${shown(peer)}: ${ratio.toPrecision(3)} x`;
};

/** The last line that it prints, as JSON. */
const python = <T>(program: string, args: readonly string[]): Promise<T> =>
  new Promise((resolve, reject) => {
    const child = spawn(options.python, [path.join(import.meta.dirname, program), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [printed, complained] = ["", ""];
    child.stdout.on("data", (data: Buffer) => (printed += data.toString()));
    child.stderr.on("data", (data: Buffer) => (complained += data.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own program prints it
      if (code === 0) resolve(JSON.parse(printed.trim().split("\n").at(-1)!) as T);
      else reject(new Error(`${program} ended with ${code}: ${complained.trim().split("\n").at(-1) ?? ""}`));
    });
  });

const benchNamed = (benches: readonly Bench[], name: string): Bench => {
  const found = benches.find((bench) => bench.name === name);
  if (found === undefined) throw new Error(`there is no bench ${name}`);
  return found;
};

const cpuSecondsOf = ({ pair }: Row): number => pair!.work.cpu.median;

interface Flower {
  readonly version: string;
  readonly clientSeconds: number;
  readonly clientBytes: number;
  readonly serverSeconds: number;
  readonly serverBytes: number;
  readonly upload: number;
}

const ourMemory = (side: "client" | "server"): Promise<OurMemory> =>
  new Promise((resolve, reject) => {
    const child = fork(path.join(import.meta.dirname, "memory-process.ts"), [side]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own process says it
    child.on("message", (memory) => resolve(memory as OurMemory));
    child.on("close", (code) => reject(new Error(`the ${side} ended with ${code}`)));
  });

const compareFlower = async (): Promise<readonly PeerRow[]> => {
  const [client, server] = [benchNamed(ringBenches, "client-n10"), benchNamed(ringBenches, "server-n10")];
  const runs: { readonly client: number; readonly server: number; readonly flower: Flower }[] = [];
  for (let run = 0; run < 2; run++)
    runs.push({
      client: cpuSecondsOf(await client.run()),
      flower: await python<Flower>("flower.py", [String(PARAMETERS)]),
      server: cpuSecondsOf(await server.run()),
    });
  const peer = runs[0]!.flower.version;
  const [clientMemory, serverMemory] = [await ourMemory("client"), await ourMemory("server")];
  const theirs = (figure: (flower: Flower) => number) => runs.map(({ flower }) => figure(flower));
  const mega = (bytes: number) => bytes / 1e6;
  return [
    peerRow("secagg-client-n10", "CPU s", {
      ours: runs.map((run) => run.client),
      theirs: theirs(({ clientSeconds }) => clientSeconds),
      peer,
    }),
    peerRow("secagg-server-n10", "CPU s", {
      ours: runs.map((run) => run.server),
      theirs: theirs(({ serverSeconds }) => serverSeconds),
      peer,
    }),
    peerRow("secagg-upload", "MB", {
      ours: [mega(clientMemory.vector)],
      theirs: theirs(({ upload }) => mega(upload)),
      peer,
    }),
    peerRow("secagg-client-memory", "MB", {
      ours: [mega(clientMemory.peak)],
      theirs: theirs(({ clientBytes }) => mega(clientBytes)),
      peer,
    }),
    peerRow("secagg-server-memory", "MB", {
      ours: [mega(serverMemory.peak)],
      theirs: theirs(({ serverBytes }) => mega(serverBytes)),
      peer,
    }),
  ];
};

interface Torch {
  readonly version: string;
  readonly samples: readonly { readonly cpu: number; readonly wall: number }[];
}

const STEPS = 7;

const compareTorch = async (): Promise<readonly PeerRow[]> => {
  if (!hasEncoder)
    throw new Error("the encoder is not there: node scripts/fetch-artefacts.mjs minilm fetches it");
  const rows: PeerRow[] = [];
  for (const [bench, threads] of [
    ["encoder-step", 1],
    ["encoder-step-2", 2],
  ] as const) {
    const ours: Row[] = [];
    const theirs: Torch[] = [];
    for (let run = 0; run < 2; run++) {
      ours.push(await benchNamed(encoderBenches, bench).run());
      theirs.push(await python<Torch>("torch_step.py", [ENCODER, String(threads), String(STEPS)]));
    }
    const peer = theirs[0]!.version;
    for (const clock of ["cpu", "wall"] as const)
      rows.push(
        peerRow(`${bench} (${threads} thread${threads > 1 ? "s" : ""})`, `${clock} s`, {
          ours: ours.map(({ pair }) => pair!.work[clock].median),
          theirs: theirs.flatMap(({ samples }) => samples.map((sample) => sample[clock])),
          peer,
        }),
      );
  }
  return rows;
};

/** The decoder's step on one thread; PyTorch gets the same weights, from a folder written here. */
const compareTorchLanguage = async (): Promise<readonly PeerRow[]> => {
  if (languageFile === undefined)
    throw new Error("the model is not there: node scripts/fetch-artefacts.mjs smollm2 fetches it");
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-smollm2-"));
  try {
    const base = await openLanguageModel();
    await writeModel(base, folder, "F32");
    await base.close();
    const ours: Row[] = [];
    const theirs: Torch[] = [];
    for (let run = 0; run < 2; run++) {
      ours.push(await benchNamed(languageBenches, "finetune-step").run());
      theirs.push(await python<Torch>("torch_language_step.py", [folder, "1", "5"]));
    }
    return (["cpu", "wall"] as const).map((clock) =>
      peerRow("finetune-step (1 thread)", `${clock} s`, {
        ours: ours.map(({ pair }) => pair!.work[clock].median),
        theirs: theirs.flatMap(({ samples }) => samples.map((sample) => sample[clock])),
        peer: theirs[0]!.version,
      }),
    );
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
};

const machine = await describeMachine();
console.log(`${machine}\n`);
const rows: PeerRow[] = [];
for (const [name, compare] of [
  ["flower", compareFlower],
  ["pytorch", compareTorch],
  ["pytorch-language", compareTorchLanguage],
] as const) {
  if (options.without.some((left) => name === left || name.startsWith(`${left}-`))) {
    console.log(`${name}: left out`);
    continue;
  }
  for (const row of await compare()) {
    rows.push(row);
    console.log(rowText(row));
  }
}
if (options.json !== undefined)
  fs.writeFileSync(options.json, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
