export * from "./command-options.ts";
export * from "./contract-files.ts";
export * from "./contract-task.ts";
export * from "./describe-contract.ts";
export * from "./identity-commands.ts";
export * from "./model.ts";
export * from "./tell-result.ts";
