/** Who may import whom: the architecture, lowest first. A folder may name only folders above it in this list. */
const MAY_IMPORT = {
  "packages/base": [],
  "packages/crypto": ["base"],
  "packages/compute": ["base", "crypto"],
  "packages/store": ["base", "crypto"],
  "packages/console": ["base"],
  "packages/secagg": ["base", "crypto"],
  "packages/finetune": ["base", "compute"],
  "packages/connectors": ["base"],
  "packages/transport": ["base", "crypto"],
  "packages/protocol": ["base", "crypto", "secagg"],
  "packages/party": ["base", "crypto", "compute", "store", "console", "secagg", "finetune", "protocol"],
  "packages/simulation": [
    "base",
    "crypto",
    "compute",
    "store",
    "console",
    "secagg",
    "finetune",
    "connectors",
    "transport",
    "protocol",
  ],
  client: [
    "base",
    "crypto",
    "compute",
    "store",
    "console",
    "secagg",
    "finetune",
    "connectors",
    "transport",
    "protocol",
    "party",
  ],
  coordinator: [
    "base",
    "crypto",
    "compute",
    "store",
    "console",
    "secagg",
    "finetune",
    "transport",
    "protocol",
    "party",
  ],
};

/** Each outside library has one door: the only folders that may import it. */
const DOORS = {
  "^node:crypto$|^crypto$": ["packages/crypto"],
  "node_modules/tweetnacl/": ["packages/crypto"],
  "node_modules/msgpackr/": ["packages/protocol"],
  "node_modules/ws/": ["packages/transport"],
  "node_modules/(https-proxy-agent|proxy-from-env)/": ["packages/transport"],
  "node_modules/commander/": ["packages/party", "client", "coordinator", "scenarios"],
  "node_modules/(@tensorflow|webgpu|@webgpu)/": ["packages/compute"],
  "node_modules/@huggingface/": ["packages/finetune"],
  "node_modules/(csv-parse|tinyglobby)/": ["packages/connectors"],
  "node_modules/(yaml|zod|picocolors|cli-table3|asciichart)/": ["packages/console"],
  "^(node:)?worker_threads$": ["packages/compute"],
  "^(node:)?child_process$": ["client", "scenarios"],
  "^(node:)?(net|tls|http|https|http2|dgram|dns)$": ["packages/transport", "scenarios"],
};

/** Walls inside a shell: the process that sees rows has no network code, the process with the network none of the rest. */
const WALLS = [
  {
    from: "client/src/gateway",
    never: "^(client/src/cell|packages/(finetune|connectors|compute|secagg|dp)/)",
  },
  {
    from: "client/src/cell",
    never: "^(client/src/gateway|packages/transport/|(node:)?(net|tls|http|https|http2|dgram|dns)$)",
  },
];

const folders = Object.keys(MAY_IMPORT);
const paths = (names) => names.map((name) => `packages/${name}`);
for (const [level, folder] of folders.entries())
  for (const lower of paths(MAY_IMPORT[folder]))
    if (folders.indexOf(lower) >= level || !folders.includes(lower))
      throw new Error(`${folder} may not name ${lower}`);

const layering = folders.map((folder) => ({
  name: `${folder} imports only ${MAY_IMPORT[folder].join(", ") || "nothing"}`,
  severity: "error",
  from: { path: `^${folder}/` },
  to: {
    path: "^(packages|client|coordinator|scenarios|test)/",
    pathNot: `^(${[folder, ...paths(MAY_IMPORT[folder])].join("|")})/`,
  },
}));

const doors = Object.entries(DOORS).map(([library, allowed]) => ({
  name: `only ${allowed.join(", ")} may import ${library}`,
  severity: "error",
  from: { path: "^(packages|client|coordinator|scenarios)/", pathNot: `^(${allowed.join("|")})/` },
  to: { path: library },
}));

const walls = WALLS.map(({ from, never }) => ({
  name: `${from} never imports ${never}`,
  severity: "error",
  from: { path: `^${from}/` },
  to: { path: never },
}));

module.exports = {
  MAY_IMPORT,
  DOORS,
  forbidden: [
    ...layering,
    ...doors,
    ...walls,
    { name: "no cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "no unresolvable imports", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "no deep imports across packages",
      severity: "error",
      from: { path: "^(packages/[^/]+|client|coordinator|scenarios|test)/" },
      to: { path: "^packages/[^/]+/src/", pathNot: "^packages/[^/]+/src/index\\.ts$|^$1/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/(dist|bundle)/" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["bulkhead-src", "import", "require", "node", "default", "types"],
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json", ".d.ts"],
    },
  },
};
