/** A thread that tries one backend and ends: a thread has one TensorFlow.js engine. */
import type { BackendName } from "../backend/backend.ts";
import { serveThreadCalls } from "../thread-calls.ts";
import { probeBackend } from "./probe-backend.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `surveyBackends` calls this thread
serveThreadCalls((name) => probeBackend(name as BackendName));
