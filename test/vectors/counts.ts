/**
 * What a round and a training step cost, in counts that are the same on every machine: test/slow/counts.test.ts fails
 * where one rises. Who lowers one writes the lower number here; who must raise one says why in DECISIONS.md.
 */

/** One round after the first of three members and 600,000 parameters in 16 bits. */
export const ROUND_COUNTS = {
  "messages up from one member": 8,
  "messages down to one member": 8,
  "bytes up from one member beside its lanes": 2079,
  "bytes down to one member beside the sum's lanes": 3422,
  "vectors that the coordinator's engine allocates": 1,
  "chunks that the coordinator adds": 6,
  "mask streams that the coordinator takes off": 3,
  "times that the coordinator waits for its disk": 24,
  "memory allocated in large pieces, in vectors": 107,
} as const;

/** One step of a classifier with three layers, adapters on two, in a batch of four. */
export const STEP_COUNTS = {
  kernels: 421,
  "tensors that are kept": 0,
} as const;
