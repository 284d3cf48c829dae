/** A contract in plain words: what is trained, what leaves whom, who waits how long. */
import { bytesToHex, hexToBytes, invariant } from "@bulkhead/base";
import { humanBytes, humanSeconds, printable, renderTable } from "@bulkhead/console";
import { safetyNumber } from "@bulkhead/crypto";
import { parameterCount } from "@bulkhead/finetune";
import { type Contract, jobOf, type SignedContract } from "@bulkhead/protocol";
import { toleratedColluders } from "@bulkhead/secagg";
import { FINDING_WORDS, signatureFindings } from "./contract-files.ts";
import { stepWords, stoppingLines, taskLines } from "./describe-training.ts";

/** Its own words stay on their lines: a purpose with line ends in it could say what is ours to say. */
export const describeContract = (signed: SignedContract): string => {
  const { contract } = signed;
  return [
    `Contract ${contract.job}: ${printable(contract.purpose)}`,
    `Digest ${bytesToHex(jobOf(contract).contractHash)}`,
    ...(contract.parent === undefined ? [] : [`It goes on from contract ${contract.parent}.`]),
    "",
    ...trainingLines(contract),
    "",
    ...leavingLines(contract),
    "",
    ...cohortLines(contract),
    "",
    `What is kept: ${printable(contract.retention)}`,
    "",
    partyTable(signed),
  ].join("\n");
};

const trainingLines = (contract: Contract): readonly string[] => {
  const { base, tensors, training, task, update } = contract;
  return [
    "What is trained",
    `  Base model: ${printable(base.name)} (${printable(base.architecture)}), digest ${base.digest.slice(0, 16)}…; it stays frozen at the sites.`,
    `  Task: ${typeof task["kind"] === "string" ? printable(task["kind"]) : "unnamed"}; ${counted(tensors.length, "tensor")} with ${parameterCount(tensors).toLocaleString("en")} parameters.`,
    ...taskLines(contract),
    `  ${counted(training.rounds, "round")} of ${counted(training.localSteps, "local step")} with ${counted(training.batchSize, "example")}, ${stepWords(training)}.`,
    `  What every party does with the sum: ${update.rule.type}, server step ${update.rule.serverStep}.`,
    ...stoppingLines(training),
  ];
};

const leavingLines = (contract: Contract): readonly string[] => {
  const { update, egress, metrics, ring } = contract;
  const { byteLength } = jobOf(contract).layout;
  const sums = [
    "its weight",
    "whether its update was clipped",
    "how many values were clamped",
    ...metrics.map(({ name }) => name),
  ].join(", ");
  return [
    "What leaves a site",
    `  Masked updates of ${humanBytes(byteLength)} (${ring.bits} bits a parameter), readable only as the sum over all survivors; at most ${egress.attemptsPerRound} a round and ${humanBytes(egress.bytes)} in all.`,
    `  Inside the same sum: ${sums}.`,
    `  No update is longer than ${update.clipNorm} (L2). Keys, shares, signatures and closed codes go with it.`,
    "  Nothing else: no row, no text, no update that could be read by itself.",
  ];
};

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

const cohortLines = (contract: Contract): readonly string[] => {
  const { members, cohort, timing } = contract;
  const n = members.length;
  const { least } = jobOf(contract);
  const seconds = (ms: number) => humanSeconds(ms / 1000);
  return [
    "Whom it protects, and what it takes",
    `  ${n} members. A sum has at least ${least} of them: ${n - least} may be missing in a round, or nothing is revealed.`,
    `  Up to ${toleratedColluders(n)} of them may side with the provider against the others (threshold ${cohort.threshold}).`,
    `  An answer in a stage may take ${seconds(timing.stageMs)}, training and upload ${seconds(timing.trainMs)}, a lost link ${seconds(timing.resumeMs)}.`,
  ];
};

const partyTable = (signed: SignedContract): string => {
  const { contract } = signed;
  const findings = new Map(signatureFindings(signed).map(({ name, problem }) => [name, problem]));
  const row = (role: string, { name, publicKey }: { readonly name: string; readonly publicKey: string }) => {
    const key = hexToBytes(publicKey);
    invariant(key !== undefined, "the shape of a contract has checked its keys");
    const problem = findings.get(name);
    return [role, name, safetyNumber(key), problem === undefined ? "signed" : FINDING_WORDS[problem]];
  };
  return renderTable({
    head: ["party", "name", "safety number", "signature"],
    rows: [
      row("provider", contract.provider),
      ...contract.members.map((member, i) => row(`member ${i + 1}`, member)),
    ],
  });
};
