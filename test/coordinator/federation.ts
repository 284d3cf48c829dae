/** A provider, a roster and a signed contract over a small model, as the coordinator's tests need them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesToHex } from "@bulkhead/base";
import { inlineRingEngine } from "@bulkhead/compute";
import { type CoordinatorOptions, type RunningCoordinator, startCoordinator } from "@bulkhead/coordinator";
import { createIdentity, type Identity, sha256 } from "@bulkhead/crypto";
import { canonicalModelBytes, parameterCount } from "@bulkhead/finetune";
import {
  checkContract,
  type Contract,
  type Job,
  jobOf,
  signContract,
  type SignedContract,
} from "@bulkhead/protocol";
import { memberId, thresholdOf } from "@bulkhead/secagg";
import { onTestFinished } from "vitest";
import { freshFolder } from "../launch.ts";
import { TestMember, type TestMemberOptions } from "./member.ts";

interface FederationOptions {
  readonly members?: number;
  readonly rounds?: number;
  readonly length?: number;
  readonly minimum?: number;
  readonly attempts?: number;
  readonly timing?: Partial<Contract["timing"]>;
  readonly task?: Contract["task"];
  readonly metrics?: Contract["metrics"];
  /** What may leave one site in all. */
  readonly egressBytes?: number;
  readonly clipNorm?: number;
  /** In place of one tensor of `length`. */
  readonly tensors?: Contract["tensors"];
}

export interface Federation {
  readonly folder: string;
  readonly state: string;
  readonly provider: Identity;
  readonly members: readonly Identity[];
  readonly contract: Contract;
  readonly signed: SignedContract;
  readonly job: Job;
  /** Canonical bytes and the file that has them. */
  readonly initial: Uint8Array;
  readonly initialModel: string;
}

export const newFederation = (options: FederationOptions = {}): Federation => {
  const folder = freshFolder();
  const provider = createIdentity("provider");
  const members = Array.from({ length: options.members ?? 3 }, (_, i) => createIdentity(`site-${i + 1}`));
  const contract = contractOf(provider, members, options);
  const initial = initialBytes(contract);
  const initialModel = join(folder, "initial.safetensors");
  writeFileSync(initialModel, initial);
  const signatures = [provider, ...members].map(({ name, signing }) => signContract(contract, name, signing));
  const signed = { contract, signatures };
  const state = join(folder, "state");
  return { folder, state, provider, members, contract, signed, job: jobOf(contract), initial, initialModel };
};

const initialBytes = ({ tensors }: Pick<Contract, "tensors">): Uint8Array =>
  canonicalModelBytes(
    tensors,
    Float32Array.from({ length: parameterCount(tensors) }, (_, i) => i / 8),
  );

const contractOf = (
  provider: Identity,
  members: readonly Identity[],
  { rounds = 2, length = 100, minimum = 3, attempts = 3, timing = {}, ...options }: FederationOptions,
): Contract => {
  const party = ({ name, signing }: Identity) => ({ name, publicKey: bytesToHex(signing.publicKey) });
  const tensors = options.tensors ?? [{ name: "weights", shape: [length], range: 4 }];
  return checkContract({
    format: "bulkhead-contract/1",
    job: "test",
    purpose: "Tests",
    provider: { ...party(provider), address: "ws://127.0.0.1:1" },
    members: members.map(party),
    base: { name: "none", architecture: "none", digest: "00".repeat(32) },
    initial: { digest: bytesToHex(sha256(initialBytes({ tensors }))) },
    task: options.task ?? { kind: "module" },
    tensors,
    training: {
      rounds,
      localSteps: 1,
      batchSize: 1,
      learningRate: 1,
      schedule: "constant",
      optimiser: { type: "sgd" },
    },
    update: {
      clipNorm: options.clipNorm ?? 1000,
      rule: { type: "fedavg", serverStep: 1 },
      weighting: { classes: 1, examplesPerClass: 1 },
    },
    ring: { bits: 16, segmentLanes: Math.max(64, Math.ceil(length / 8)) },
    cohort: { minimum, threshold: thresholdOf(members.length) },
    metrics: options.metrics ?? [
      { name: "examples", most: 1000, resolution: 1 },
      { name: "loss-sum", most: 1000, resolution: 0.25 },
    ],
    egress: { bytes: options.egressBytes ?? 1e9, attemptsPerRound: attempts },
    timing: { stageMs: 2000, trainMs: 5000, resumeMs: 100, ...timing },
    retention: "None",
  });
};

/** A coordinator that is stopped when the test is over. */
export const coordinate = async (
  { state, provider, signed, initialModel }: Federation,
  options: Partial<CoordinatorOptions> = {},
): Promise<RunningCoordinator> => {
  const coordinator = await startCoordinator({
    state,
    identity: provider,
    signed,
    initialModel,
    listen: { host: "127.0.0.1", port: 0 },
    startWaitMs: 2000,
    engine: inlineRingEngine(),
    ...options,
  });
  coordinator.done.catch(() => undefined);
  onTestFinished(async () => {
    coordinator.stop();
    await coordinator.done.catch(() => undefined);
  });
  return coordinator;
};

/** Member number `place`, from 1; it dials wherever `url` says at that moment. */
export const memberOf = (
  federation: Federation,
  place: number,
  options: Omit<TestMemberOptions, "job" | "id" | "identity">,
): TestMember => {
  const member = new TestMember({
    job: federation.job,
    id: memberId(place),
    identity: federation.members[place - 1]!,
    ...options,
  });
  onTestFinished(() => member.close());
  return member;
};
