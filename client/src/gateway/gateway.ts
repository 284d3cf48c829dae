/** The composition root of the process with the socket: the pipe on one side, the coordinator on the other. */
import path from "node:path";
import { decodeCanonical, equalBytes, InputError, type InputProblem, invariant } from "@bulkhead/base";
import { randomSecret, type SigningKeys, signingKeys } from "@bulkhead/crypto";
import { type Job, jobOf, LONGEST_FRAME, readSignedContract } from "@bulkhead/protocol";
import { type GatewayCertificate, gatewayCertificate } from "@bulkhead/transport";
import type { Channel } from "../child-channel.ts";
import { encodeNews, type News, problemNews } from "../news.ts";
import { type EgressRefusal, type OverCode, type PipeMessage, type PipeMessageOf } from "../pipe.ts";
import { decodeGatewaySettings, type GatewaySettings } from "../settings.ts";
import { openEgressLog } from "./egress-log.ts";
import { Egress } from "./egress.ts";
import { Traffic } from "./traffic.ts";
import { Uplink, type UplinkOptions } from "./uplink.ts";

/** For what was sent last, a leave perhaps, once the cell has closed. */
const FAREWELL_MS = 5000;

/** Runs until the cell closes or the supervisor is gone. */
export const runGateway = async (
  channel: Channel,
  { backoff }: Pick<UplinkOptions, "backoff"> = {},
): Promise<void> => {
  let gateway: Gateway | undefined;
  try {
    for await (const message of channel.messages) {
      if (message.type === "close") return await gateway?.farewell();
      if (gateway !== undefined) await gateway.onMessage(message);
      else if (message.type === "start") gateway = await opened(channel, message, backoff);
      // Frames on their way to one that was here before us.
    }
  } finally {
    gateway?.close();
  }
};

const opened = async (
  channel: Channel,
  { settings: json, contract }: PipeMessageOf<"start">,
  backoff: UplinkOptions["backoff"],
): Promise<Gateway | undefined> => {
  const settings = decodeGatewaySettings(json);
  const job = jobOf(readSignedContract(contract).contract);
  try {
    const log = await openEgressLog(path.join(settings.state, "egress.jsonl"));
    return new Gateway(channel, { job, settings, egress: new Egress(job, settings.policy, log), backoff });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    await channel.send({ type: "news", json: encodeNews(problemNews(error)) });
    await channel.send({ type: "over", code: "failed" });
    return undefined;
  }
};

interface Parts {
  readonly job: Job;
  readonly settings: GatewaySettings;
  readonly egress: Egress;
  readonly backoff: UplinkOptions["backoff"];
}

class Gateway {
  readonly #channel: Channel;
  readonly #parts: Parts;
  readonly #traffic: Traffic;
  /** Made anew at each start and never written. */
  readonly #keys: SigningKeys = signingKeys(randomSecret(32));
  /** None before the cell has certified the key: it may have much to read before that. */
  #uplink: Uplink | undefined;
  /** The session for which the cell's frames are meant. */
  #begun: number | undefined;

  constructor(channel: Channel, parts: Parts) {
    this.#channel = channel;
    this.#parts = parts;
    this.#traffic = new Traffic((traffic) => this.#tell({ type: "traffic", ...traffic }));
    void channel.send({ type: "gateway-key", bytes: this.#keys.publicKey });
  }

  /** Resolves once another may follow. */
  async onMessage(message: PipeMessage): Promise<void> {
    if (message.type === "certificate") return this.#onCertificate(message.bytes);
    if (message.type === "begin") this.#begun = message.epoch;
    else if (message.type !== "frame") throw new Error(`a gateway is not told ${message.type}`);
    else if (this.#uplink !== undefined && this.#uplink.epoch === this.#begun)
      await this.#send(this.#uplink, message.bytes);
  }

  async farewell(): Promise<void> {
    await this.#uplink?.close(FAREWELL_MS);
    this.#traffic.close();
  }

  close(): void {
    this.#traffic.close();
    this.#parts.egress.close();
  }

  #onCertificate(bytes: Uint8Array): void {
    const certificate = decodeCanonical(gatewayCertificate, bytes);
    // One that was made for the gateway before this one may still be on its way.
    if (!equalBytes(certificate.gatewayKey, this.#keys.publicKey)) return;
    const isOwn = certificate.memberId === this.#parts.settings.member;
    invariant(isOwn, "the cell is the member that the settings name");
    if (this.#uplink === undefined) this.#uplink = this.#openUplink(certificate);
    else this.#uplink.renew(certificate);
  }

  #openUplink(certificate: GatewayCertificate): Uplink {
    const { job, settings, backoff } = this.#parts;
    return new Uplink({
      job,
      settings,
      gateway: this.#keys,
      certificate,
      onFrame: (bytes) => this.#onFrame(bytes),
      onLink: (state, epoch) => {
        void this.#channel.send({ type: "link", state, epoch });
        this.#tell({ type: "link", state: state === "fresh" ? "open" : state });
      },
      onTrouble: (problem) => this.#tell(problemNews(problem)),
      onOver: (code, problem) => this.#onOver(code, problem),
      ...(backoff && { backoff }),
    });
  }

  async #send(uplink: Uplink, bytes: Uint8Array): Promise<void> {
    const refusal = this.#pass(bytes);
    if (refusal === "unwritten") return;
    if (refusal !== undefined) {
      this.#tell(problemNews(refusedProblem(refusal)));
      return this.#channel.send({ type: "refused", code: refusal });
    }
    this.#traffic.sent(bytes.length);
    await uplink.send(bytes);
  }

  /** Where the log cannot be written nothing may leave, now or later: that is this machine's fault and no refusal. */
  #pass(bytes: Uint8Array): EgressRefusal | "unwritten" | undefined {
    try {
      return this.#parts.egress.pass(bytes);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#onOver("failed", error);
      return "unwritten";
    }
  }

  async #onFrame(bytes: Uint8Array): Promise<void> {
    if (bytes.length > LONGEST_FRAME)
      return this.#onOver("failed", {
        code: "link-frame-too-large",
        place: "coordinator",
        problem: `a frame of ${bytes.length} bytes came, and none may be longer than ${LONGEST_FRAME}`,
        cure: "tell the provider; do not go on",
      });
    this.#traffic.received(bytes.length);
    await this.#channel.send({ type: "frame", bytes });
  }

  #onOver(code: OverCode, problem: InputProblem): void {
    this.#tell(problemNews(problem));
    void this.#channel.send({ type: "over", code });
  }

  #tell(news: News): void {
    void this.#channel.send({ type: "news", json: encodeNews(news) });
  }
}

const REFUSED: Readonly<Record<EgressRefusal, string>> = {
  bytes: "the bytes of masked input that contract and policy allow are spent",
  rounds: "the rounds that contract and policy allow are spent, or the round is none of the contract's",
  attempts: "the attempts of a round that contract and policy allow are spent",
  frame: "it is no message of a client, or another version of one that has left",
};

const refusedProblem = (code: EgressRefusal): InputProblem => ({
  code: `policy-egress-${code}`,
  place: "gateway",
  problem: `a message was kept back: ${REFUSED[code]}`,
  cure: "compare policy and contract with the egress log",
});
