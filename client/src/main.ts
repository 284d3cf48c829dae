/** `bulkhead-client`: the enterprise's command line. */
import { runMain } from "@bulkhead/console";
import { program } from "./program.ts";

runMain(program);
