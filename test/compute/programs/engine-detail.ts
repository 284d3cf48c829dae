/** Opens a ring engine, which then gives its known answers, and prints what it uses of the machine. */
import { openRingEngine } from "@bulkhead/compute";

const engine = await openRingEngine({ threads: 1 });
console.log(engine.detail);
await engine.close();
