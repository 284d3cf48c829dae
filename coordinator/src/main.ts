/** `bulkhead-coordinator`: the provider's command line. */
import { runMain } from "@bulkhead/console";
import { program } from "./program.ts";

runMain(program);
