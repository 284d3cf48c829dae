// In place of the cell: does what its state folder's `script` says, one word a line, and writes down in `heard` what it
// hears. It is JavaScript, and imports what it needs alone, so that it starts quickly: from what is built, as the tests that use it do.
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runChild } from "../../../client/dist/child-channel.js";

/** Their keys are sorted, so that this is canonical JSON. */
const READY = { applied: 0, backend: "none", engine: "none", member: 1, rows: 3, type: "ready" };
const DONE = { applied: 2, outcome: "done", type: "outcome" };
const STOPPED = { applied: 1, outcome: "stopped", type: "outcome" };

runChild(async (channel) => {
  const tell = (news) => channel.send({ type: "news", json: new TextEncoder().encode(JSON.stringify(news)) });
  const messages = channel.messages[Symbol.asyncIterator]();
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
    ready: () => tell(READY),
    key: async () => note(`key ${Buffer.from((await hear("gateway-key")).bytes).toString("hex")}`),
    stop: async () => note(`stop ${(await hear("stop")).withdraws}`),
    over: async () => note(`over ${(await hear("over")).code}`),
    done: () => tell(DONE),
    stopped: () => tell(STOPPED),
    print: () => console.log("a trainer may print what it likes"),
    wait: () => sleep(600_000),
    /** What only a gateway may say. */
    lie: () => channel.send({ type: "over", code: "failed" }),
    noise: () => fs.writeSync(3, randomBytes(4096).fill(255, 0, 4)),
    crash: () => {
      throw new Error("out of something");
    },
  };
  for (const word of fs.readFileSync(path.join(state, "script"), "utf8").split("\n")) await acts[word]();
});
