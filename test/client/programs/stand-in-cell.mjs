// In place of the cell: does what its state folder's `script` says, one word a line, and writes down in `heard` what it
// hears. It is JavaScript, and imports what it needs alone, so that it starts quickly.
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runChild } from "../../../client/src/child-channel.ts";

/** Canonical JSON, as far as these news need it. */
const news = (item) => ({
  type: "news",
  json: new TextEncoder().encode(JSON.stringify(Object.fromEntries(Object.entries(item).toSorted()))),
});

const ready = { type: "ready", member: 1, applied: 0, rows: 3, backend: "none" };

runChild(async ({ messages: all, send }) => {
  const messages = all[Symbol.asyncIterator]();
  const hear = async (type) => {
    for (;;) {
      const next = await messages.next();
      if (next.done === true) process.exit(9);
      if (next.value.type === type) return next.value;
    }
  };
  const start = await hear("start");
  const { state } = JSON.parse(Buffer.from(start.settings).toString());
  const note = (text) => fs.appendFileSync(path.join(state, "heard"), `${text}\n`);
  note(`passphrase ${Buffer.from((await hear("passphrase")).bytes).toString()}`);
  const acts = {
    ready: () => send(news(ready)),
    key: async () => note(`key ${Buffer.from((await hear("gateway-key")).bytes).toString("hex")}`),
    stop: async () => note(`stop ${(await hear("stop")).withdraws}`),
    over: async () => note(`over ${(await hear("over")).code}`),
    done: () => send(news({ type: "outcome", outcome: "done", applied: 2 })),
    stopped: () => send(news({ type: "outcome", outcome: "stopped", applied: 1 })),
    print: () => console.log("a trainer may print what it likes"),
    wait: () => sleep(600_000),
    /** What only a gateway may say. */
    lie: () => send({ type: "over", code: "failed" }),
    noise: () => fs.writeSync(3, randomBytes(4096).fill(255, 0, 4)),
    crash: () => {
      throw new Error("out of something");
    },
  };
  for (const word of fs.readFileSync(path.join(state, "script"), "utf8").split("\n")) await acts[word]();
});
