// Preloaded: the threads of WebAssembly end with an error before they are up.
const threads = require("node:worker_threads");

threads.Worker = class extends threads.Worker {
  constructor(source, options) {
    const isOfWasm = options?.eval === true && String(source).includes("WasmBackendModuleThreadedSimd");
    super(isOfWasm ? 'throw new Error("none here")' : source, options);
  }
};
