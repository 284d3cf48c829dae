import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  type CellSettings,
  cellView,
  type GatewaySettings,
  gatewayView,
  raiseWall,
  type View,
  type Wall,
} from "@bulkhead/client";
import { memberId } from "@bulkhead/secagg";
import { expect, onTestFinished, test } from "vitest";
import { freshFolder, hasNamespaces } from "../launch.ts";

/** Files of the machine and of the user that no process of a client needs. */
const OTHERS = ["/etc/passwd", path.join(os.homedir(), ".profile")];

const PROBE = fileURLToPath(new URL("../client/programs/probe.mjs", import.meta.url));

/** A site's folders, with something in each. */
const newSite = () => {
  const folder = freshFolder();
  const at = (...parts: readonly string[]) => path.join(folder, ...parts);
  const put = (...parts: readonly string[]) => {
    fs.mkdirSync(path.dirname(at(...parts)), { recursive: true });
    fs.writeFileSync(at(...parts), "secret");
    return at(...parts);
  };
  const site = {
    rows: put("data", "rows.jsonl"),
    more: put("data", "more.jsonl"),
    blob: put("blobs", "weights"),
    model: put("model", "config.json"),
    identity: put("keys", "identity.key"),
    other: put("keys", "letter.txt"),
    journal: put("state", "cell", "journal"),
    egress: put("state", "gateway", "0123", "egress.jsonl"),
    status: put("state", "status.json"),
  };
  fs.symlinkSync(path.join("..", "blobs", "weights"), at("model", "weights"));
  const cell: CellSettings = {
    identity: site.identity,
    state: at("state", "cell"),
    member: memberId(1),
    isUsed: false,
    isWithdrawn: false,
    verifiedMembers: [],
    isProviderVerified: false,
    data: {
      type: "jsonl",
      paths: [site.rows],
      columns: { text: "text", label: "label" },
      longestText: 100,
      badRowLimit: { type: "count", count: 0 },
    },
    modelFolder: at("model"),
    backend: "auto",
    precision: "f32",
    activationBytes: { memory: 2 ** 20, disk: 0 },
    keepEveryMs: 60_000,
    ringEngine: "auto",
    policy: {},
  };
  const gateway: GatewaySettings = {
    state: at("state", "gateway", "0123"),
    member: memberId(1),
    proxy: "none",
    reachMs: 1000,
    policy: {},
  };
  return { ...site, at, cell, gateway, state: at("state") };
};

const probe = (wall: Wall, view: View, attempts: readonly string[]): Readonly<Record<string, unknown>> => {
  const withProbe = { ...view, read: [...view.read, PROBE] };
  const [command, ...rest] = wall.behind(withProbe, [process.execPath, PROBE, ...attempts]);
  const { stdout, stderr } = spawnSync(command!, rest, { env: view.environment, encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
};

const listening = async (): Promise<number> => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
};

const ENV = {
  PATH: process.env["PATH"],
  HTTPS_PROXY: "http://user:password@proxy:1",
  HOME: "/root",
  AWS_SECRET_ACCESS_KEY: "secret",
  BULKHEAD_PASSPHRASE: "secret",
  TF_CPP_MIN_LOG_LEVEL: "2",
};

test.skipIf(!hasNamespaces)(
  "the cell sees rows, model and identity, and neither network nor the gateway",
  async () => {
    const site = newSite();
    const wall = await raiseWall("namespaces");
    expect(wall).toMatchObject({ strength: "namespaces" });
    const port = await listening();
    const seen = probe(wall, cellView(site.cell, site.state, ENV), [
      `connect:${port}`,
      ...[site.rows, site.model, site.at("model", "weights"), site.identity, site.journal].map(reading),
      ...[site.more, site.other, site.egress, site.status, ...OTHERS].map(reading),
      `write:${site.at("state", "cell", "new")}`,
      ...[site.rows, site.identity, site.at("state", "new"), "/new", "/usr/lib/new"].map(
        (file) => `write:${file}`,
      ),
      ...Object.keys(ENV).map((name) => `environment:${name}`),
      "processes:",
      "status:CapEff",
      "status:NoNewPrivs",
      `signal:${process.pid}`,
      `signal:${process.ppid}`,
    ]);
    expect(seen).toMatchObject({
      [`connect:${port}`]: "ECONNREFUSED",
      ...all([site.rows, site.model, site.at("model", "weights"), site.identity, site.journal], "6 bytes"),
      ...all([site.more, site.other, site.egress, site.status, ...OTHERS], "ENOENT"),
      [`write:${site.at("state", "cell", "new")}`]: "written",
      "environment:TF_CPP_MIN_LOG_LEVEL": "2",
      "environment:HTTPS_PROXY": "nothing",
      "environment:HOME": "nothing",
      "environment:AWS_SECRET_ACCESS_KEY": "nothing",
      "environment:BULKHEAD_PASSPHRASE": "nothing",
      "status:CapEff": "0000000000000000",
      "status:NoNewPrivs": "1",
      [`signal:${process.pid}`]: "ESRCH",
      [`signal:${process.ppid}`]: "ESRCH",
    });
    // Itself and bubblewrap's own.
    expect(seen["processes:"]).toBeLessThanOrEqual(3);
    for (const file of [site.rows, site.identity, "/new", "/usr/lib/new"])
      expect(seen[`write:${file}`], file).toMatch(/EROFS|ENOENT|EACCES/u);
    // The tests' folders are below /tmp, where a process behind the wall has memory of its own.
    expect(fs.existsSync(site.at("state", "new"))).toBe(false);
    expect(fs.readFileSync(site.rows, "utf8")).toBe("secret");
  },
);

test.skipIf(!hasNamespaces)(
  "the gateway has the network and its log, and nothing of the cell's",
  async () => {
    const site = newSite();
    const wall = await raiseWall("namespaces");
    const port = await listening();
    const running = spawn(
      ...runnable(wall, cellView(site.cell, site.state, ENV), ["-e", "setTimeout(() => {}, 60000)"]),
    );
    onTestFinished(() => void running.kill("SIGKILL"));
    const hidden = [site.rows, site.model, site.blob, site.identity, site.other, site.journal, site.status];
    const seen = probe(wall, gatewayView(site.gateway, site.state, ENV), [
      `connect:${port}`,
      ...[site.egress, ...hidden].map(reading),
      `write:${site.at("state", "gateway", "0123", "new")}`,
      ...[site.at("state", "cell", "new"), site.at("state", "gateway", "new"), site.at("new")].map(
        (file) => `write:${file}`,
      ),
      "processes:",
      "environment:HTTPS_PROXY",
      "environment:AWS_SECRET_ACCESS_KEY",
      `signal:${running.pid}`,
      `read:/proc/${running.pid}/environ`,
    ]);
    expect(seen).toMatchObject({
      [`connect:${port}`]: "connected",
      ...all([site.egress], "6 bytes"),
      ...all(hidden, "ENOENT"),
      [`write:${site.at("state", "gateway", "0123", "new")}`]: "written",
      [`write:${site.at("state", "cell", "new")}`]: "ENOENT",
      "environment:HTTPS_PROXY": ENV.HTTPS_PROXY,
      "environment:AWS_SECRET_ACCESS_KEY": "nothing",
      [`signal:${running.pid}`]: "ESRCH",
      [`read:/proc/${running.pid}/environ`]: "ENOENT",
    });
    expect(seen["processes:"]).toBeLessThanOrEqual(3);
    expect(running.exitCode).toBe(null);
  },
);

test.skipIf(!hasNamespaces)(
  "a folder of rows that holds the state folder does not show it to the cell",
  async () => {
    const site = newSite();
    const wall = await raiseWall("namespaces");
    const settings = { ...site.cell, data: { ...site.cell.data, paths: [site.at("*.jsonl")] } };
    const seen = probe(wall, cellView(settings, site.state, ENV), [
      ...[site.rows, site.journal, site.egress, site.status].map(reading),
      `list:${site.state}`,
    ]);
    expect(seen).toMatchObject({
      ...all([site.rows, site.journal], "6 bytes"),
      ...all([site.egress, site.status], "ENOENT"),
      [`list:${site.state}`]: 1,
    });
  },
);

test.skipIf(!hasNamespaces)(
  "a site that is kept in the program's own folder is not shown to the gateway",
  async () => {
    const client = fileURLToPath(new URL("../../client", import.meta.url));
    const folder = fs.mkdtempSync(path.join(client, "site-"));
    onTestFinished(() => fs.rmSync(folder, { recursive: true }));
    const rows = path.join(folder, "rows.jsonl");
    fs.writeFileSync(rows, "secret");
    const site = newSite();
    const seen = probe(await raiseWall("namespaces"), gatewayView(site.gateway, site.state, ENV), [
      reading(rows),
      reading(path.join(client, "src", "pipe.ts")),
    ]);
    expect(seen).toMatchObject({
      [reading(rows)]: "ENOENT",
      [reading(path.join(client, "src", "pipe.ts"))]: expect.stringContaining("bytes"),
    });
  },
);

test.skipIf(!hasNamespaces)("what runs behind the wall ends with the process that started it", async () => {
  const site = newSite();
  const wall = await raiseWall("namespaces");
  const view = cellView(site.cell, site.state, ENV);
  const [command, args] = runnable(wall, view, [
    "-e",
    "setInterval(() => require('fs').writeFileSync(process.argv[1], String(Date.now())), 20)",
    site.at("state", "cell", "alive"),
  ]);
  const starter = `require("node:child_process").spawn(${JSON.stringify(command)}, ${JSON.stringify(args)}, { detached: true, stdio: "ignore" }); setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["-e", starter], { stdio: "ignore" });
  const alive = site.at("state", "cell", "alive");
  const changed = () => fs.statSync(alive, { throwIfNoEntry: false })?.mtimeMs;
  for (let tries = 0; tries < 200 && changed() === undefined; tries++) await pause(25);
  expect(changed()).toBeDefined();
  parent.kill("SIGKILL");
  await pause(200);
  const last = changed();
  await pause(200);
  expect(changed()).toBe(last);
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const runnable = (wall: Wall, view: View, args: readonly string[]): [string, string[]] => {
  const [command, ...rest] = wall.behind(view, [process.execPath, ...args]);
  return [command!, rest];
};

const reading = (file: string): string => `read:${file}`;

const all = (files: readonly string[], result: string) =>
  Object.fromEntries(files.map((file) => [reading(file), result]));

test("without bubblewrap the wall says what it does not protect from, or refuses where it has to", async () => {
  const wall = await raiseWall("none", { PATH: "/nowhere" }, []);
  expect(wall.strength).toBe("process only");
  expect(wall.notice).toBe(
    "no protection against code execution in the gateway: bubblewrap is not installed",
  );
  expect(wall.behind(gatewayView(newSite().gateway, "/state", {}), ["node"])).toEqual(["node"]);
  await expect(raiseWall("namespaces", { PATH: "/nowhere" }, [])).rejects.toMatchObject({
    code: "policy-wall",
    problem: "namespaces are required, and bubblewrap is not installed",
  });
});

test("a bubblewrap that may not make namespaces is no wall, and its complaint is told", async () => {
  const folder = freshFolder();
  const script = "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n";
  fs.writeFileSync(path.join(folder, "bwrap"), script, { mode: 0o755 });
  const wall = await raiseWall("none", { PATH: folder }, []);
  expect(wall.notice).toContain("bubblewrap fails here: bwrap: setting up uid map: Permission denied");
});

test("rows that would be anywhere show the cell nothing: a folder has to be named", () => {
  const site = newSite();
  const link = path.join(freshFolder(), "rows");
  fs.symlinkSync("/proc/self", link);
  for (const pattern of ["/**/*.jsonl", "/", "/..", "/run/*.csv", "/proc/1/*", "/dev/sh*", link]) {
    const settings = { ...site.cell, data: { ...site.cell.data, paths: [pattern] } };
    expect(() => cellView(settings, site.state, {})).toThrow(
      expect.objectContaining({ code: "data-too-wide", place: pattern }),
    );
  }
});

test("a link among rows or weights, and a trainer at the root, show the cell no more than a folder that is named", () => {
  const site = newSite();
  const folder = freshFolder();
  const module = fs.readdirSync("/").map((name) => path.join("/", name))[0]!;
  const tooWide = (changed: Partial<CellSettings>, place: string) =>
    expect(() => cellView({ ...site.cell, ...changed }, site.state, {})).toThrow(
      expect.objectContaining({ code: "data-too-wide", place }),
    );
  tooWide({ modelFolder: "/" }, "/");
  tooWide({ trainerModule: module }, module);
  for (const [name, target] of [
    ["all", "/"],
    ["sockets", "/run"],
    ["processes", "/proc"],
  ] as const) {
    const link = path.join(folder, name);
    fs.symlinkSync(target, link);
    tooWide({ data: { ...site.cell.data, paths: [folder] } }, link);
    tooWide({ modelFolder: folder }, link);
    fs.rmSync(link);
  }
});

test("a link to a device or to the socket of a service shows the cell nothing", async () => {
  const site = newSite();
  const socket = path.join(freshFolder(), "socket");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(() => void server.close());
  fs.symlinkSync("/dev/null", site.at("model", "null"));
  fs.symlinkSync(socket, site.at("model", "socket"));
  const { read } = cellView(site.cell, site.state, {});
  expect(read).toContain(site.blob);
  expect(read).not.toContain("/dev/null");
  expect(read).not.toContain(socket);
});

test.skipIf(!hasNamespaces)("the gateway sees certificates of the system and none of its keys", async () => {
  const keys = ["/etc/ssl/private", "/etc/pki/tls/private"].filter((folder) => fs.existsSync(folder));
  const site = newSite();
  const view = gatewayView(site.gateway, site.state, ENV);
  expect(view.hidden).toEqual([site.state, ...keys]);
  const seen = probe(
    await raiseWall("namespaces"),
    view,
    keys.map((folder) => `list:${folder}`),
  );
  expect(Object.values(seen)).toEqual(keys.map(() => 0));
});

test("paths that do not exist are told by name before anything starts", () => {
  const site = newSite();
  const view = (changed: Partial<CellSettings>) => () =>
    cellView({ ...site.cell, ...changed }, site.state, {});
  const data = (paths: readonly string[]) => ({ data: { ...site.cell.data, paths } });
  const missing = site.at("missing");
  expect(view(data([missing]))).toThrow(expect.objectContaining({ code: "data-missing", place: missing }));
  const glob = path.join(missing, "*.jsonl");
  expect(view(data([glob]))).toThrow(expect.objectContaining({ code: "data-missing", place: glob }));
  expect(view({ modelFolder: missing })).toThrow(expect.objectContaining({ code: "config-model" }));
  expect(view({ trainerModule: missing })).toThrow(expect.objectContaining({ code: "config-trainer" }));
  expect(view({ identity: missing })).toThrow(expect.objectContaining({ code: "identity-missing" }));
  expect(view(data([site.at("data", "*.jsonl")]))().read).toContain(site.at("data"));
});
