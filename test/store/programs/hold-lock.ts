/** Takes the lock of a folder, says so, and keeps it; or says why not. */
import { InputError } from "@bulkhead/base";
import { lockFolder } from "@bulkhead/store";

const [folder = "", waitUntil = "0"] = process.argv.slice(2);
await new Promise((resolve) => setTimeout(resolve, Number(waitUntil) - Date.now()));
try {
  const lock = await lockFolder(folder, { beatMs: 100, patienceMs: 1000 });
  lock.lost.addEventListener("abort", () => {
    console.log("lost");
    process.exit(3);
  });
  console.log("held");
  setInterval(() => undefined, 1000);
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.log(`${error.code}: ${error.problem}`);
}
