import fs from "node:fs";
import path from "node:path";
import { Secret, utf8 } from "@bulkhead/base";
import {
  type CellSettings,
  type Ending,
  type GatewaySettings,
  type News,
  raiseWall,
  Supervisor,
} from "@bulkhead/client";
import { memberId } from "@bulkhead/secagg";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";

const program = (name: string): URL => new URL(`../client/programs/stand-in-${name}.mjs`, import.meta.url);

interface Story {
  /** What the stand-in for the cell does, one word after the other. */
  readonly cell: readonly string[];
  readonly gateway?: string;
  readonly onNews?: (news: News, supervisor: () => Supervisor) => void;
}

interface Told {
  readonly ending: Ending;
  readonly heard: readonly string[];
  readonly news: readonly News[];
  readonly printed: string;
  readonly passphrase: Secret;
}

/** Without a wall: what the supervisor does is the same. */
const supervise = async ({ cell, gateway = "", onNews }: Story): Promise<Told> => {
  const folder = freshFolder();
  const at = (name: string) => path.join(folder, name);
  for (const name of ["cell", "gateway", "output"]) fs.mkdirSync(at(name));
  fs.writeFileSync(path.join(at("cell"), "script"), cell.join("\n"));
  fs.writeFileSync(path.join(at("gateway"), "script"), gateway);
  const wall = await raiseWall("none", { PATH: "/nowhere" }, []);
  const view = { read: [], hidden: [], network: true, environment: { PATH: process.env["PATH"] } };
  const news: News[] = [];
  const passphrase = new Secret(utf8("correct horse"));
  const supervisor: Supervisor = new Supervisor({
    wall,
    cell: { settings: { ...CELL, state: at("cell") }, view: { ...view, write: at("cell") } },
    gateway: { settings: { ...GATEWAY, state: at("gateway") }, view: { ...view, write: at("gateway") } },
    contract: utf8("a contract"),
    passphrase,
    output: at("output"),
    onNews: (item) => {
      news.push(item);
      onNews?.(item, () => supervisor);
    },
    programs: { cell: program("cell"), gateway: program("gateway") },
  });
  const ending = await supervisor.run();
  const heard = fs
    .readFileSync(path.join(at("cell"), "heard"), "utf8")
    .trimEnd()
    .split("\n");
  const printed = fs.readFileSync(path.join(at("output"), "cell.log"), "utf8");
  return { ending, heard, news, printed, passphrase };
};

const CELL: CellSettings = {
  identity: "/identity",
  state: "",
  member: memberId(1),
  isUsed: false,
  isWithdrawn: false,
  verifiedMembers: [],
  isProviderVerified: false,
  data: {
    type: "jsonl",
    paths: ["/rows"],
    columns: { text: "text", label: "label" },
    longestText: 100,
    badRowLimit: { type: "count", count: 0 },
  },
  backend: "auto",
  precision: "f32",
  activationBytes: { memory: 2 ** 20, disk: 0 },
  keepEveryMs: 60_000,
  ringEngine: "auto",
  policy: {},
};

const GATEWAY: GatewaySettings = { state: "", member: memberId(1), proxy: "none", reachMs: 1000, policy: {} };

test("the passphrase goes to the cell and is wiped; the cell's outcome is the run's; what it prints stays in a file", async () => {
  const { ending, heard, news, printed, passphrase } = await supervise({
    cell: ["print", "ready", "key", "done"],
  });
  expect(heard).toEqual(["passphrase correct horse", expect.stringMatching(/^key [0-9a-f]{64}$/u)]);
  expect(ending).toEqual({ outcome: { type: "outcome", outcome: "done", applied: 2 }, problem: undefined });
  expect(news.map(({ type }) => type)).toEqual(["ready", "outcome"]);
  expect(printed).toBe("a trainer may print what it likes\n");
  expect(passphrase.isWiped).toBe(true);
});

test("a cell that crashes ends the run, with its last line and what to do", async () => {
  const { ending } = await supervise({ cell: ["ready", "crash"] });
  expect(ending.outcome).toMatchObject({ outcome: "failed" });
  expect(ending.problem).toMatchObject({ code: "cell-ended", place: "cell" });
  expect(ending.problem?.problem).toContain("it ended with code 1");
  expect(ending.problem?.cure).toContain("the same command goes on");
});

test.each(["lie", "noise"])("a cell that says what it may not say (%s) is ended", async (word) => {
  const { ending, heard } = await supervise({ cell: ["ready", word, "wait"] });
  expect(heard).toHaveLength(1);
  expect(ending.outcome).toMatchObject({ outcome: "failed" });
  expect(ending.problem?.code).toBe("cell-not-understood");
});

test("a gateway that crashes is started anew, with another key", async () => {
  const { ending, heard, news } = await supervise({
    cell: ["ready", "key", "key", "done"],
    gateway: "crash",
  });
  const keys = heard.filter((line) => line.startsWith("key"));
  expect(new Set(keys).size).toBe(2);
  expect(ending.outcome).toMatchObject({ outcome: "done" });
  expect(news).toContainEqual(expect.objectContaining({ type: "problem", code: "gateway-ended" }));
});

test.each(["ready", "outcome"])("what is the cell's to say (%s) no gateway may", async (lie) => {
  const { ending, news } = await supervise({
    cell: ["key", "key", "stopped"],
    gateway: lie,
  });
  expect(ending.outcome).toMatchObject({ outcome: "stopped", applied: 1 });
  expect(ending.problem?.code).toMatch(/^gateway-/u);
  expect(news.filter(({ type }) => type === "ready")).toEqual([]);
  expect(news.filter(({ type }) => type === "outcome")).toHaveLength(1);
});

test("a gateway that cannot live is given up, and the cell is told that there is no way", async () => {
  const { ending, heard } = await supervise({ cell: ["ready", "over", "stopped"], gateway: "crash" });
  expect(heard).toContain("over failed");
  expect(ending.problem?.code).toBe("gateway-ended");
});

test("what fails on this side ends both, and is what is told", async () => {
  const full = () => {
    throw new Error("no space is left");
  };
  const story = supervise({ cell: ["ready", "wait"], onNews: full });
  await expect(story).rejects.toThrow("no space is left");
});

const stopAt =
  (type: News["type"]): NonNullable<Story["onNews"]> =>
  (news, supervisor) => {
    if (news.type === type) supervisor().stop({ withdraws: true });
  };

test("a stop reaches the cell, which ends by itself", async () => {
  const { ending, heard } = await supervise({ cell: ["ready", "stop", "stopped"], onNews: stopAt("ready") });
  expect(heard).toContain("stop true");
  expect(ending).toMatchObject({ outcome: { outcome: "stopped" }, problem: undefined });
});
