import { baseDigest } from "@bulkhead/finetune";
export const digestOf = baseDigest;
