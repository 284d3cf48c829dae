/** Opens a ring engine, uses it, and forgets to close it. */
import { openRingEngine } from "@bulkhead/compute";

const engine = await openRingEngine({ threads: 2 });
const vector = engine.allocate({ laneBits: 16, segmentLanes: [50_000] });
await engine.addStreams(vector, [{ key: new Uint8Array(32), sign: 1 }]);
console.log(vector.bytes.some((byte) => byte !== 0) ? "added" : "nothing");
