export * from "./scenario.ts";
export * from "./harness/federation.ts";
export * from "./harness/port.ts";
export * from "./harness/program.ts";
export * from "./harness/stage.ts";
