/** A thread for the tests of calls: adds, waits, throws, dies. */
import { InputError } from "@bulkhead/base";
import { serveThreadCalls } from "@bulkhead/compute";

serveThreadCalls(async (request) => {
  if (typeof request === "number") return request + 1;
  if (request === "throw") throw new RangeError("as asked");
  if (request === "throw text") throw "as asked"; // oxlint-disable-line typescript/only-throw-error -- foreign code does
  if (request === "refuse")
    throw new InputError({
      code: "data-label",
      place: "row 7",
      problem: "it has no label",
      cure: "give it one",
    });
  if (request === "exit") process.exit(3);
  if (request === "die")
    setTimeout(() => {
      throw new Error("told to");
    });
  return new Promise(() => {});
});
