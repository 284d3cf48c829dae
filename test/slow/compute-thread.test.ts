import { once } from "node:events";
import { startThread } from "@bulkhead/compute";
import { expect, test } from "vitest";
import { runnable } from "../launch.ts";

const ECHO = runnable(new URL("../compute/threads/echo.ts", import.meta.url));

test("a module runs as a thread, with its data and with other workspaces", async () => {
  const thread = startThread(ECHO, { answer: 42 });
  try {
    thread.postMessage("ask");
    const [reply] = await once(thread, "message");
    expect(reply).toEqual({ message: "ask", given: { answer: 42 }, bytes: Uint8Array.of(0, 0, 1, 2) });
  } finally {
    await thread.terminate();
  }
});

test("a thread that throws says so and ends", async () => {
  const thread = startThread(ECHO);
  const failed = new Promise((resolve) => thread.on("error", resolve));
  const exited = new Promise((resolve) => thread.on("exit", resolve));
  thread.postMessage("die");
  expect(String(await failed)).toContain("told to");
  expect(await exited).toBe(1);
});
