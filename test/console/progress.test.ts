import { progressBar, progressTo } from "@bulkhead/console";
import { expect, test } from "vitest";

const recorded = (mode: "terminal" | "lines" | "json") => {
  let [text, time] = ["", 0];
  const progress = progressTo({
    mode,
    write: (part) => (text += part),
    columns: () => 12,
    now: () => time,
  });
  return { progress, text: () => text, wait: (ms: number) => (time += ms) };
};

test("on a terminal the live line is rewritten, cut to the width, and gives way to lines that stay", () => {
  const { progress, text } = recorded("terminal");
  progress.live("step 1");
  progress.live("step 2 of a hundred");
  progress.tell({ event: "done" }, "round done");
  progress.live("step 3");
  progress.end();
  progress.end();
  const clear = "\r\u001B[2K";
  expect(text()).toBe(`${clear}step 1${clear}step 2 of a${clear}round done\n${clear}step 3${clear}`);
});

test("elsewhere it is plain lines, a live one every ten seconds and only when it changed", () => {
  const { progress, text, wait } = recorded("lines");
  progress.live("step 1");
  progress.live("step 2");
  wait(10_000);
  progress.live("step 1");
  progress.live("step 3");
  progress.tell({ event: "done" }, "round\ndone");
  progress.end();
  expect(text()).toBe("step 1\nstep 3\nround\\u{a}done\n");
});

test("for machines it is one record a line and nothing else", () => {
  const { progress, text } = recorded("json");
  progress.live("step 1");
  progress.tell({ event: "round-closed", round: 3, accuracy: 0.9 }, "round 3 closed");
  progress.end();
  expect(text()).toBe('{"event":"round-closed","round":3,"accuracy":0.9}\n');
});

test("a bar fills from nothing to all, and never beyond", () => {
  expect(progressBar(0, 10)).toBe("────────────────────────   0 %");
  expect(progressBar(5, 10)).toBe("━━━━━━━━━━━━────────────  50 %");
  expect(progressBar(99, 10)).toBe("━━━━━━━━━━━━━━━━━━━━━━━━ 100 %");
  expect(progressBar(0, 0)).toContain("  0 %");
});
