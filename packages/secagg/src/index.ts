export * from "./mask-schedule.ts";
export * from "./member.ts";
export * from "./quantise.ts";
export * from "./ring-layout.ts";
export * from "./scalars.ts";
export * from "./shamir.ts";
export * from "./share-commitment.ts";
export * from "./threshold.ts";
