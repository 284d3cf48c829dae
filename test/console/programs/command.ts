/** A command that ends as its first argument says. */
import { InputError, Secret, utf8 } from "@bulkhead/base";
import { openProgress, runMain, stopSignal } from "@bulkhead/console";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

class ParserError extends Error {
  readonly code = "commander.unknownOption";
  readonly exitCode = 1;
}

runMain(async ([how = ""]) => {
  switch (how) {
    case "input":
      throw new InputError({
        code: "config-value",
        place: "site.yaml:5:10 rounds",
        problem: "expected number\nreceived \u001B[31mstring",
        cure: "correct it",
      });
    case "parser":
      throw new ParserError("error: unknown option '--ful'\n(Did you mean --full?)");
    case "bug":
      throw Object.assign(new Error("broken invariant: x"), { secret: new Secret(utf8("hunter2")) });
    case "late-bug":
      setTimeout(() => {
        throw new Error("broken later");
      }, 5);
      return sleep(60_000).then(() => 0);
    case "rejected":
      void Promise.reject(new Error("nobody listened"));
      return sleep(60_000).then(() => 0);
    case "much-output":
      for (let i = 0; i < 20_000; i++) process.stdout.write(`line ${i} of many\n`);
      return 3;
    case "stop": {
      const stop = stopSignal();
      const progress = openProgress({ json: false });
      progress.tell({ event: "ready" }, "ready");
      const waiting = setInterval(() => undefined, 1000);
      await new Promise((resolve) => stop.addEventListener("abort", resolve));
      progress.tell({ event: "stopping" }, "stopping");
      if (process.argv.includes("--hang")) await sleep(60_000);
      clearInterval(waiting);
      stop.throwIfAborted();
      return 0;
    }
    default:
      return 0;
  }
});
