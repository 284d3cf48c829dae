/**
 * A program of its own: the product's coordinator with one thing altered, or none, and a tap on its wire.
 *   node cheating-coordinator.js --attack NAME --config FILE --contract FILE --passphrase-file FILE --wire FILE
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { InputError, invariant } from "@bulkhead/base";
import { openRingEngine } from "@bulkhead/compute";
import { createLogger, EXIT, readPassphrase, runMain } from "@bulkhead/console";
import { type CoordinatorEvents, loadCoordinatorConfig, startCoordinator } from "@bulkhead/coordinator";
import { readSignedContractFile } from "@bulkhead/party";
import { jobOf, modelHash } from "@bulkhead/protocol";
import { openIdentityFile, readFileBounded } from "@bulkhead/store";
import { alteredBy } from "./altered.ts";
import { type Attack, ATTACKS } from "./attacks.ts";
import { WireTap } from "./tap.ts";

/** The name of the coordinator that alters nothing. */
const NO_ATTACK = "none";
const LONGEST_MODEL = 1 << 24;

const text = { type: "string" } as const;
const OPTIONS = { attack: text, config: text, contract: text, "passphrase-file": text, wire: text };

const readOptions = (args: readonly string[]) => {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const { attack, config, contract, wire, "passphrase-file": passphraseFile } = values;
  invariant(
    attack !== undefined && config !== undefined && contract !== undefined && wire !== undefined,
    "every option is given",
  );
  invariant(passphraseFile !== undefined, "a passphrase is given");
  return { attack, config, contract, wire, passphraseFile };
};

const findAttack = (name: string): Attack | undefined => {
  const attack = ATTACKS.find((one) => one.name === name);
  if (attack !== undefined || name === NO_ATTACK) return attack;
  throw new InputError({
    code: "usage-unknown-attack",
    place: `attack ${name}`,
    problem: "there is none of this name",
    cure: `choose ${NO_ATTACK} or one of ${ATTACKS.map((one) => one.name).join(", ")}`,
  });
};

runMain(async (args) => {
  const options = readOptions(args);
  const attack = findAttack(options.attack);
  const { config } = await loadCoordinatorConfig(options.config);
  const signed = await readSignedContractFile(options.contract);
  const source = { type: "file", path: options.passphraseFile } as const;
  const identity = await openIdentityFile(
    config.identity,
    await readPassphrase(source, { purpose: "provider" }),
  );
  const initialModel = path.join(path.dirname(options.contract), "initial.safetensors");
  const job = jobOf(signed.contract);
  const cheater = {
    job,
    providerKey: identity.signing.secretKey,
    initialModelHash: modelHash(job, await readFileBounded(initialModel, LONGEST_MODEL)),
  };
  const { host, port } = config.listen;
  const coordinator = await startCoordinator({
    state: config.state,
    identity,
    signed,
    initialModel,
    listen: { host, port },
    startWaitMs: config.startWaitMs,
    engine: await openRingEngine({ threads: 1 }),
    log: createLogger<CoordinatorEvents>({ format: "json" }),
    ...alteredBy(attack, new WireTap(options.wire), cheater),
  });
  const { outcome } = await coordinator.done;
  return outcome === "done" ? EXIT.done : EXIT.failed;
});
