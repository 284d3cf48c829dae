/** `peers list` and `peers verify`: whose key is whose, as people have told each other over another way. */
import { bytesToHex, InputError } from "@bulkhead/base";
import { askAtTerminal, EXIT, type ExitCode, renderTable } from "@bulkhead/console";
import { safetyNumber } from "@bulkhead/crypto";
import { readAnyContractFile, tellResult } from "@bulkhead/party";
import { type Job, jobOf } from "@bulkhead/protocol";
import { type PublicIdentity, readIdentityHeader } from "@bulkhead/store";
import { loadSiteConfig } from "../config.ts";
import { isVerified, markVerified, readVerifiedPeers, unmarkVerified } from "../verified-peers.ts";

interface ListOptions {
  readonly config: string;
  readonly contract: string;
  readonly json?: true;
}

export const listPeers = async ({ config: file, contract, json }: ListOptions): Promise<ExitCode> => {
  const { config } = await loadSiteConfig(file);
  const own = bytesToHex((await readIdentityHeader(config.identity)).publicKey);
  const verified = await readVerifiedPeers(config.state);
  const peers = partiesOf(jobOf((await readAnyContractFile(contract)).contract)).map(({ role, peer }) => ({
    role,
    name: peer.name,
    publicKey: bytesToHex(peer.publicKey),
    safetyNumber: safetyNumber(peer.publicKey),
    isOwn: bytesToHex(peer.publicKey) === own,
    isVerified: isVerified(verified, peer),
  }));
  const word = (peer: (typeof peers)[number]) =>
    peer.isOwn ? "this site" : peer.isVerified ? "verified" : "not verified";
  const table = renderTable({
    head: ["party", "name", "safety number", "here"],
    rows: peers.map((peer) => [peer.role, peer.name, peer.safetyNumber, word(peer)]),
  });
  tellResult(json, { peers }, [table]);
  return EXIT.done;
};

interface VerifyOptions extends ListOptions {
  readonly name: string;
  /** As the peer has told it; asked for at the terminal if absent. */
  readonly safetyNumber?: string;
}

/** Marks the peer as verified; takes an earlier mark away where the numbers differ. */
export const verifyPeer = async (options: VerifyOptions): Promise<ExitCode> => {
  const { contract, name, json } = options;
  const { config } = await loadSiteConfig(options.config);
  const peer = peerCalled(jobOf((await readAnyContractFile(contract)).contract), name, contract);
  const isSame =
    options.safetyNumber === undefined
      ? await askWhetherSame(peer)
      : digitsOf(options.safetyNumber) === digitsOf(safetyNumber(peer.publicKey));
  if (!isSame) throw otherNumber(peer, contract, await unmarkVerified(config.state, peer));
  await markVerified(config.state, peer, new Date());
  tellResult(json, { name, publicKey: bytesToHex(peer.publicKey), verified: true }, [
    `${name} is verified: the key in this contract is theirs. The mark stands in ${config.state}.`,
  ]);
  return EXIT.done;
};

const partiesOf = (job: Job): readonly { readonly role: string; readonly peer: PublicIdentity }[] => [
  { role: "provider", peer: { name: job.contract.provider.name, publicKey: job.providerKey } },
  ...job.members.map(({ id, name, publicKey }) => ({ role: `member ${id}`, peer: { name, publicKey } })),
];

const peerCalled = (job: Job, name: string, place: string): PublicIdentity => {
  const parties = partiesOf(job).map(({ peer }) => peer);
  const peer = parties.find((party) => party.name === name);
  if (peer !== undefined) return peer;
  throw new InputError({
    code: "usage-option",
    place: "--name",
    problem: `nobody is called that in ${place}`,
    cure: `name one of ${parties.map((party) => party.name).join(", ")}`,
  });
};

/** Spaces and dashes are how people write it down. */
const digitsOf = (text: string): string => {
  const digits = text.replaceAll(/[\s-]/gu, "");
  if (/^\d{60}$/u.test(digits)) return digits;
  throw new InputError({
    code: "usage-option",
    place: "--safety-number",
    problem: "a safety number has 60 digits",
    cure: "give all twelve groups of five, in quotation marks",
  });
};

const askWhetherSame = async (peer: PublicIdentity): Promise<boolean> => {
  const question = [
    `The contract names this key for ${peer.name}:`,
    `  ${safetyNumber(peer.publicKey)}`,
    `Ask ${peer.name} for their number over another way than this contract came: by telephone, in person.`,
    "Is it the same, digit by digit? (yes or no) ",
  ];
  const cure = "compare the number that `peers list` shows and give it with --safety-number";
  const answer = await askAtTerminal(question.join("\n"), cure);
  if (answer === "yes" || answer === "no") return answer === "yes";
  throw new InputError({
    code: "usage-answer",
    place: "terminal",
    problem: "the answer was neither yes nor no; nothing was changed",
    cure: "run it again once the numbers were compared",
  });
};

const otherNumber = (peer: PublicIdentity, place: string, wasVerified: boolean): InputError =>
  new InputError({
    code: "peer-other-number",
    place,
    problem: `THE NUMBERS DIFFER: the key that it names for ${peer.name} is not the key of whoever told you that number, and somebody may be posing as ${peer.name}${wasVerified ? "; the earlier mark is taken away" : ""}`,
    cure: "do not sign this contract; ask the peer and the provider which key is right",
  });
