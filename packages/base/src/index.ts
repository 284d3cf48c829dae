export * from "./assert.ts";
export * from "./brand.ts";
export * from "./bytes.ts";
export * from "./canonical.ts";
export * from "./canonical-json.ts";
export * from "./mailbox.ts";
export * from "./secret.ts";
export * from "./shape.ts";
