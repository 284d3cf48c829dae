// In place of the gateway: says its key, and goes on as its state folder's `script` says.
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { runChild } from "../../../client/dist/child-channel.js";

/** What is the cell's to say; keys are sorted, so that this is canonical JSON. */
const lies = {
  outcome: { applied: 9, outcome: "done", type: "outcome" },
  ready: { applied: 0, backend: "none", engine: "none", member: 1, rows: 3, type: "ready" },
};

runChild(async (channel) => {
  for await (const message of channel.messages) {
    if (message.type === "close") return;
    if (message.type !== "start") continue;
    const { state } = JSON.parse(Buffer.from(message.settings).toString());
    await channel.send({ type: "gateway-key", bytes: Uint8Array.from(randomBytes(32)) });
    const script = fs.readFileSync(path.join(state, "script"), "utf8");
    const lie = lies[script];
    if (lie !== undefined)
      await channel.send({ type: "news", json: new TextEncoder().encode(JSON.stringify(lie)) });
    if (script === "crash") throw new Error("a bug of the gateway");
  }
});
