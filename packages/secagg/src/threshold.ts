/** How many must answer, and how many may collude (protocol.md 2.1): constants of the contract. */

/** More than two thirds of the roster: every stage needs at least so many, oneself counted. */
export const thresholdOf = (members: number): number => Math.floor((2 * members) / 3) + 1;

/**
 * How many members may side with a malicious coordinator. Two quorums must share an honest signer (2t > n + c), and a
 * revealed sum must hold the updates of at least two honest members (t - c >= 2).
 */
export const toleratedColluders = (members: number): number => {
  const threshold = thresholdOf(members);
  return Math.min(2 * threshold - members - 1, threshold - 2);
};
