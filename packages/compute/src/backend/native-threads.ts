/**
 * How many threads TensorFlow takes for one operation, which it decides for good when it is loaded. A model this small has
 * none that is worth a second one: in two its step takes as long or longer, and up to 1.6 times the processor time.
 */

/** Trainable parameters, of a model that has no others. */
const SMALL_MODEL = 1_000_000;

const VARIABLE = "TF_NUM_INTRAOP_THREADS";

/** For this process, before its first backend is opened; what was set from outside stays. */
export const chooseThreads = (parameters: number): void => {
  if (parameters < SMALL_MODEL) process.env[VARIABLE] ??= "1";
};
