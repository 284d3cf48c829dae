/** `npm run bench`: the figures of docs/performance.md. `--list`, `--only NAME` (or what names begin with; again for more), `--json FILE`. */
import { fork } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { encoderBenches } from "./encoder.ts";
import { floorText, measureFloors } from "./floors.ts";
import { languageBenches } from "./language.ts";
import { linkBenches } from "./links.ts";
import { describeMachine } from "./machine.ts";
import { type Bench, type Row, rowText } from "./paired.ts";
import { ringBenches } from "./ring.ts";
import { roundBenches } from "./round.ts";

const benches: readonly Bench[] = [
  ...ringBenches,
  ...linkBenches,
  ...roundBenches,
  ...encoderBenches,
  ...languageBenches,
];

/** The row of this name, or where there is none those whose names begin with it. */
const isMeant = (only: string, { name }: Bench): boolean =>
  benches.some((bench) => bench.name === only) ? name === only : name.startsWith(`${only}-`);

const { values: options } = parseArgs({
  options: {
    list: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    json: { type: "string" },
    /** Said to a process that measures one row for another. */
    row: { type: "string" },
  },
});

/** Each row in a process of its own: what another has left in memory changes what allocation costs. */
const measured = ({ name }: Bench): Promise<Row> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ["--row", name]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own process says it
    child.on("message", (row) => resolve(row as Row));
    child.on("close", (code) => reject(new Error(`${name} ended with ${code}`)));
  });

const loadText = (): string =>
  `load of the machine: ${os
    .loadavg()
    .map((load) => load.toFixed(1))
    .join(", ")} in 1, 5 and 15 minutes`;

const run = async (chosen: readonly Bench[]): Promise<void> => {
  const machine = await describeMachine();
  console.log(`${machine}\n${loadText()}\n`);
  const floors = await measureFloors();
  for (const floor of floors) console.log(floorText(floor));
  console.log("");
  const rows: Row[] = [];
  for (const bench of chosen) {
    const row = { ...(await measured(bench)), machine };
    rows.push(row);
    console.log(rowText(row));
  }
  console.log(`\n${loadText()}`);
  if (options.json !== undefined)
    fs.writeFileSync(options.json, `${JSON.stringify({ machine, floors, rows }, undefined, 2)}\n`);
};

const unknown = options.only.filter((name) => !benches.some((bench) => isMeant(name, bench)));
const asked = benches.find(({ name }) => name === options.row);
if (asked !== undefined) {
  process.send?.(await asked.run());
  process.disconnect?.();
} else if (options.list) for (const { name } of benches) console.log(name);
else if (unknown.length > 0) {
  console.error(
    `there is no bench ${unknown.join(", ")}; there are ${benches.map(({ name }) => name).join(", ")}`,
  );
  process.exitCode = 2;
} else
  await run(
    options.only.length === 0
      ? benches
      : benches.filter((bench) => options.only.some((name) => isMeant(name, bench))),
  );
