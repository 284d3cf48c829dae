/** The attacks are those that the simulation plays against the machines alone. */
export { type Attack, ATTACKS, type Cheat, type Reply, type Tap } from "@bulkhead/simulation";
