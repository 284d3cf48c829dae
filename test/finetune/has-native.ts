/** Whether the native backend is built here: whoever tests it skips, with the reason in the name, where it is not. */
import { openBackend } from "@bulkhead/compute";

const opening = openBackend("tensorflow").then(
  () => true,
  () => false,
);

export const hasNative = await opening;
