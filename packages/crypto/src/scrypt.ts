/** A key from a passphrase: scrypt (RFC 7914), made slow and large so that guessing is. */
import { scryptSync } from "node:crypto";
import { Secret } from "@bulkhead/base";

export interface ScryptCost {
  /** log2 of N. */
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB and about half a second. */
export const WRITTEN_COST: ScryptCost = { logN: 17, r: 8, p: 1 };

/** What a file may ask for: up to 256 MiB and sixteen times the work, so that no file can stop the machine. */
export const isBearableCost = ({ logN, r, p }: ScryptCost): boolean =>
  logN >= 10 && r >= 1 && p >= 1 && memoryOf({ logN, r, p }) <= 2 ** 28 && 2 ** logN * r * p <= 2 ** 24;

export const scryptSecret = (passphrase: Secret, salt: Uint8Array, cost: ScryptCost): Secret => {
  const limits = { N: 2 ** cost.logN, r: cost.r, p: cost.p, maxmem: 2 * memoryOf(cost) };
  const key = scryptSync(passphrase.reveal(), salt, 32, limits);
  const secret = new Secret(new Uint8Array(key));
  key.fill(0);
  return secret;
};

const memoryOf = ({ logN, r, p }: ScryptCost): number => 128 * r * (2 ** logN + p);
