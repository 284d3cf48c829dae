/** Opens the ring engine on a GPU, uses it, and forgets to close it. */
import { inlineRingEngine, openWebgpuRingEngine } from "@bulkhead/compute";
import { withSwiftShader } from "../../swiftshader.ts";

const engine = await withSwiftShader(() => openWebgpuRingEngine({ host: inlineRingEngine, software: true }));
const vector = engine.allocate({ laneBits: 16, segmentLanes: [20] });
await engine.addStreams(vector, [{ key: new Uint8Array(32), sign: 1 }]);
console.log(vector.bytes.some((byte) => byte !== 0) ? "added" : "nothing");
