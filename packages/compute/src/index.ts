export * from "./thread.ts";
export * from "./backend/backend.ts";
export * from "./backend/self-test.ts";
export * from "./backend/tensorflow.ts";
