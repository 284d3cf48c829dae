import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { coordinate, memberOf, newFederation } from "../coordinator/federation.ts";

/** The file of that name below the folder, wherever it stands. */
const fileIn = (folder: string, name: string): string => {
  const found = fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .find((file) => path.basename(file) === name);
  if (found === undefined) throw new Error(`no ${name} in ${folder}`);
  return path.join(folder, found);
};

test.each(["sum.bin", "result.bin", "initial.safetensors"])(
  "%s that was deleted by hand ends the run with its place and a cure",
  async (name) => {
    const federation = newFederation({ rounds: 2, timing: { resumeMs: 200 } });
    let plans = 0;
    const first = await coordinate(federation, {
      // After the first round nobody gets a plan: the run is stopped there.
      send: (frame) => (frame.type === "plan" && ++plans > 3 ? [] : [frame]),
    });
    const members = [1, 2, 3].map((place) => memberOf(federation, place, { url: () => first.url }));
    await expect.poll(() => fs.existsSync(first.report), { timeout: 20_000 }).toBe(true);
    first.stop();
    await first.done;
    for (const member of members) member.close();
    const second = await coordinate(federation, { startWaitMs: 60_000 });
    const gone = fileIn(federation.state, name);
    fs.rmSync(gone);
    memberOf(federation, 1, { url: () => second.url });
    await expect(second.done).rejects.toMatchObject({ code: "state-damaged", place: gone });
  },
);
