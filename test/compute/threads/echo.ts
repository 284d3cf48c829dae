/** A thread for the tests: answers with what it got and how it was loaded, and dies when told to. */
import { parentPort, workerData } from "node:worker_threads";
import { u32ToBytes } from "@bulkhead/base";

const given: unknown = workerData;
parentPort?.on("message", (message: unknown) => {
  if (message === "die") throw new Error("told to");
  parentPort?.postMessage({ message, given, bytes: u32ToBytes(258) });
});
