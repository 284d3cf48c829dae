import { Secret, utf8ToText } from "@bulkhead/base";
import { readPassphrase } from "@bulkhead/console";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commandOf, freshFolder } from "../launch.ts";

const ASK = new URL("../console/programs/ask.ts", import.meta.url);

const passphraseFile = (content: string | Uint8Array, mode = 0o600): string => {
  const path = join(freshFolder(), "passphrase");
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};

const fromFile = async (content: string | Uint8Array): Promise<string> => {
  const secret = await readPassphrase({ type: "file", path: passphraseFile(content) });
  expect(secret).toBeInstanceOf(Secret);
  return utf8ToText(secret.reveal());
};

describe("a passphrase in a file", () => {
  test.each([
    ["words of mine", "words of mine"],
    ["words of mine\n", "words of mine"],
    ["words of mine\r\n", "words of mine"],
    ["  spaces stay  \n", "  spaces stay  "],
    ["schlüssel 钥匙\n", "schlüssel 钥匙"],
  ])("%j is read without its line end", async (content, passphrase) => {
    expect(await fromFile(content)).toBe(passphrase);
  });

  test.each([
    ["", "passphrase-empty"],
    ["\n", "passphrase-empty"],
    ["one\ntwo\n", "passphrase-form"],
    ["one\n\n", "passphrase-form"],
    ["o\0ne", "passphrase-form"],
    ["x".repeat(2000), "passphrase-form"],
  ])("%j is refused", async (content, code) => {
    await expect(fromFile(content)).rejects.toMatchObject({ code });
  });

  test.each([0o640, 0o604, 0o660])(
    "that others may use (mode %o) is refused, with the cure",
    async (mode) => {
      const path = passphraseFile("words", mode);
      await expect(readPassphrase({ type: "file", path })).rejects.toMatchObject({
        code: "passphrase-file-open",
        place: path,
        cure: `run: chmod 600 ${path}`,
      });
    },
  );

  test("that is missing or a folder is refused by its path", async () => {
    const path = freshFolder();
    chmodSync(path, 0o700);
    await expect(readPassphrase({ type: "file", path })).rejects.toMatchObject({
      code: "passphrase-not-readable",
      place: path,
    });
    await expect(readPassphrase({ type: "file", path: join(path, "none") })).rejects.toMatchObject({
      code: "passphrase-not-readable",
    });
  });
});

describe("a passphrase from a pipe", () => {
  test("that has a name is refused at once, whether or not somebody will write to it", async () => {
    const pipe = join(freshFolder(), "pipe");
    execFileSync("mkfifo", ["-m", "600", pipe]);
    await expect(readPassphrase({ type: "file", path: pipe })).rejects.toMatchObject({
      code: "passphrase-not-readable",
      place: pipe,
    });
  });

  test.skipIf(process.platform === "win32")(
    "that is open already is read by its descriptor's path",
    async () => {
      const pipe = join(freshFolder(), "pipe");
      execFileSync("mkfifo", ["-m", "600", pipe]);
      const fd = openSync(pipe, "r+");
      writeSync(fd, "words of mine\n");
      setTimeout(() => closeSync(fd), 500);
      const secret = await readPassphrase({ type: "file", path: `/dev/fd/${fd}` });
      expect(utf8ToText(secret.reveal())).toBe("words of mine");
    },
  );
});

describe("a passphrase from a file descriptor", () => {
  test("is read up to its end", async () => {
    const fd = openSync(passphraseFile("words of mine\n"), "r");
    const secret = await readPassphrase({ type: "fd", fd });
    expect(utf8ToText(secret.reveal())).toBe("words of mine");
    closeSync(fd);
  });

  test("is read from a pipe that is written slowly", async () => {
    const pipe = join(freshFolder(), "pipe");
    execFileSync("mkfifo", [pipe]);
    spawn("sh", ["-c", `{ printf 'words '; sleep 0.1; printf 'of mine\n'; } > ${pipe}`]);
    const fd = openSync(pipe, "r");
    const secret = await readPassphrase({ type: "fd", fd });
    expect(utf8ToText(secret.reveal())).toBe("words of mine");
    closeSync(fd);
  });

  test("that is not open is refused by its number", async () => {
    await expect(readPassphrase({ type: "fd", fd: 987 })).rejects.toMatchObject({
      code: "passphrase-not-readable",
      place: "file descriptor 987",
    });
  });
});

test.skipIf(process.stdin.isTTY)("without a terminal nobody is asked: it is refused", async () => {
  await expect(readPassphrase({ type: "terminal" })).rejects.toMatchObject({
    code: "passphrase-no-terminal",
  });
});

const hasScript = spawnSync("script", ["--version"]).status === 0;

test.skipIf(!hasScript)(
  "on a terminal it is asked twice, not shown, and editable (skipped where script(1) is missing)",
  async () => {
    const command = commandOf(ASK, [])
      .map((part) => `'${part}'`)
      .join(" ");
    // script(1) runs the command on a terminal of its own and passes on what is typed and shown.
    const terminal = spawn("script", ["-qec", command, "/dev/null"]);
    const typed: (readonly [prompt: string, keys: string])[] = [
      // New: two that differ, then the same twice; with backspace over a character of two bytes, and an arrow key.
      ["New passphrase", "wordS\r"],
      ["once more", "words\r"],
      ["New passphrase", "schlü\u007Füssel\r"],
      ["once more", "x\u0015sch\u001B[Dlüssel\r"],
      // New: typed ahead in one go.
      ["New passphrase", "ahead\rahead\r"],
      // Known: nothing at all, then interrupted.
      ["Passphrase of", "\r"],
      ["Passphrase of", "half\u0003"],
    ];
    let shown = "";
    let seen = 0;
    const answer = () => {
      const [next] = typed;
      const at = next === undefined ? -1 : shown.indexOf(next[0], seen);
      if (next === undefined || at < 0) return;
      seen = at + 1;
      typed.shift();
      terminal.stdin.write(next[1]);
    };
    terminal.stdout.on("data", (data: Buffer) => {
      shown += data.toString();
      answer();
    });
    await new Promise((resolve) => terminal.on("close", resolve));
    const lines = shown.split(/\r?\n/u);
    const results = lines.flatMap((line): readonly unknown[] =>
      line.startsWith("{") ? [JSON.parse(line)] : [],
    );
    expect(results).toEqual([
      { read: "schlüssel" },
      { read: "ahead" },
      { refused: "passphrase-empty" },
      { refused: "stopped by SIGINT" },
    ]);
    const asked = lines.filter((line) => !line.startsWith("{")).join("\n");
    for (const secret of ["words", "wordS", "ssel", "ahead", "half"]) expect(asked).not.toContain(secret);
    expect(asked).toContain("They differ; please try again.");
    // The live line of progress is rewritten in place and taken away at its end.
    expect(shown).toContain("\r\u001B[2Kworking 1 of 2\r\u001B[2Kworking 2 of 2\r\u001B[2K");
  },
);
