// A module that exports no trainer.
export const trainer = 1;
