/** Asks for passphrases on the terminal that it runs on; prints a JSON line for each: the bytes, or why not. */
import { InputError, utf8ToText } from "@bulkhead/base";
import { openProgress, readPassphrase } from "@bulkhead/console";

const progress = openProgress({ json: false });
progress.live("working 1 of 2");
progress.live("working 2 of 2");
progress.end();

for (const isNew of [true, true, false, false]) {
  try {
    const passphrase = await readPassphrase({ type: "terminal" }, { isNew, purpose: "test identity" });
    process.stdout.write(`${JSON.stringify({ read: utf8ToText(passphrase.reveal()) })}\n`);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stdout.write(
      `${JSON.stringify({ refused: error instanceof InputError ? error.code : error.message })}\n`,
    );
  }
}
