/** `bulkhead-scenario`: whole federations, played and judged. */
import { runMain } from "@bulkhead/console";
import { program } from "./program.ts";

runMain(program);
