/** `npm run bench`: the figures of docs/performance.md. `--list`, `--only NAME` (again for more), `--json FILE`. */
import fs from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import { encoderBenches } from "./encoder.ts";
import { floorText, measureFloors } from "./floors.ts";
import { linkBenches } from "./links.ts";
import { describeMachine } from "./machine.ts";
import { type Bench, type Row, rowText } from "./paired.ts";
import { ringBenches } from "./ring.ts";
import { roundBenches } from "./round.ts";

const benches: readonly Bench[] = [...ringBenches, ...linkBenches, ...roundBenches, ...encoderBenches];

const { values: options } = parseArgs({
  options: {
    list: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    json: { type: "string" },
  },
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
    const row = { ...(await bench.run()), machine };
    rows.push(row);
    console.log(rowText(row));
  }
  console.log(`\n${loadText()}`);
  if (options.json !== undefined)
    fs.writeFileSync(options.json, `${JSON.stringify({ machine, floors, rows }, undefined, 2)}\n`);
};

const unknown = options.only.filter((name) => benches.every((bench) => bench.name !== name));
if (options.list) for (const { name } of benches) console.log(name);
else if (unknown.length > 0) {
  console.error(
    `there is no bench ${unknown.join(", ")}; there are ${benches.map(({ name }) => name).join(", ")}`,
  );
  process.exitCode = 2;
} else
  await run(options.only.length === 0 ? benches : benches.filter(({ name }) => options.only.includes(name)));
