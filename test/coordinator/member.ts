/**
 * A member for tests: the real client machine over a real socket, its updates known beforehand. It trains nothing, keeps
 * its journal in memory, and can be told to stop short at any message.
 */
import { Mailbox } from "@bulkhead/base";
import { inlineRingEngine, type RingEngine, type RingVector } from "@bulkhead/compute";
import { type Identity, randomSecret, sha256, signingKeys } from "@bulkhead/crypto";
import { applyUpdate, canonicalModelBytes, parameterCount } from "@bulkhead/finetune";
import {
  type AttemptName,
  CHUNK_BYTES,
  type Chunk,
  CLAMPED,
  type ClientEffect,
  type ClientEvent,
  type ClientFrame,
  CLIPPED,
  type ClientState,
  type CoordinatorFrame,
  decodeCoordinatorFrame,
  drive,
  encodeFrame,
  type History,
  isClientOver,
  type Job,
  modelHash,
  NO_HISTORY,
  openSeat,
  remember,
  stepClient,
} from "@bulkhead/protocol";
import { decodeSum, encodeScalars, type MemberId, payloadOf, quantiseSpec, WEIGHT } from "@bulkhead/secagg";
import {
  certifyGateway,
  dialSession,
  dialWebSocket,
  type Link,
  type Session,
  type SessionOver,
} from "@bulkhead/transport";

export interface TestMemberOptions {
  readonly job: Job;
  readonly id: MemberId;
  readonly identity: Identity;
  readonly url: () => string;
  /** The initial model, where it need not be fetched. */
  readonly model?: Uint8Array;
  /** Gives what goes out in place of a frame. */
  readonly say?: (frame: ClientFrame, member: TestMember) => readonly ClientFrame[];
  /** Hears every frame. */
  readonly hear?: (frame: CoordinatorFrame, member: TestMember) => void;
  readonly train?: (round: number) => Promise<void>;
  /** Of the upload; small unless given, so that a story can break in between two of few lanes. */
  readonly chunkBytes?: number;
}

/** What every member of the tests contributes: small integers over eight, which the ring of the tests carries nearly. */
export const updateOf = (id: number, round: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => (((i * 7 + id * 13 + round * 29) % 17) - 8) / 8);

type ApplyEffect = Extract<ClientEffect, { readonly type: "apply" }>;

const NO_MODEL = new Uint8Array(32);
const HOUR = 3_600_000;

export class TestMember {
  readonly id: MemberId;
  /** How many messages of each type were received. */
  readonly heard = new Map<string, number>();
  applied = 0;
  model: Float32Array | undefined;
  end: ClientState | undefined;
  readonly #options: TestMemberOptions;
  readonly #engine: RingEngine = inlineRingEngine();
  readonly #gateway = signingKeys(randomSecret(32));
  readonly #running: Promise<void>;
  #history: History = NO_HISTORY;
  #session: Session | undefined;
  #link: Link | undefined;
  #events: Mailbox<ClientEvent> | undefined;
  #vector: RingVector | undefined;
  #chunks: { readonly vector: string; readonly bytes: Uint8Array; have: number } | undefined;
  #toApply: ApplyEffect | undefined;
  #sum: Uint8Array | undefined;
  #isClosed = false;
  #whenModel: () => void = () => undefined;
  #whenClosed: () => void = () => undefined;

  constructor(options: TestMemberOptions) {
    this.id = options.id;
    this.#options = options;
    if (options.model !== undefined) this.model = floatsOf(options.job, options.model);
    this.#dial();
    this.#running = this.#play();
    this.#running.catch(() => undefined);
  }

  /** Resolves when the machine is over for good; rejects for a bug. */
  async over(): Promise<ClientState | undefined> {
    await this.#running;
    return this.end;
  }

  get modelBytes(): Uint8Array {
    return canonicalModelBytes(this.#options.job.contract.tensors, this.model!);
  }

  /** Gone, like a process that was killed: nothing is said. */
  close(): void {
    this.#isClosed = true;
    this.#events?.close();
    this.#session?.onState(() => undefined);
    this.#session?.close();
    this.#whenModel();
    this.#whenClosed();
  }

  send(frame: ClientFrame | Uint8Array): void {
    const frames = frame instanceof Uint8Array ? [frame] : (this.#options.say?.(frame, this) ?? [frame]);
    for (const one of frames)
      void this.#session?.send(one instanceof Uint8Array ? one : encodeFrame(one)).catch(() => undefined);
  }

  /** The connection breaks; the session looks for another. */
  cutLink(): void {
    this.#link?.close();
  }

  withdraw(): void {
    this.#events?.post({ type: "stop", withdraws: true });
  }

  #dial(): void {
    if (this.#isClosed) return;
    const { job, id, identity } = this.#options;
    const now = Date.now();
    const session = dialSession({
      dial: async () => {
        this.#link = await dialWebSocket({ url: this.#options.url(), proxy: "none" });
        return this.#link;
      },
      providerKey: job.providerKey,
      contractDigest: job.contractHash,
      gateway: this.#gateway,
      certificate: () =>
        certifyGateway(identity.signing.secretKey, {
          contractDigest: job.contractHash,
          memberId: id,
          gatewayKey: this.#gateway.publicKey,
          notBefore: now,
          notAfter: now + HOUR,
        }),
      resumeMs: 5000,
      limits: { acknowledgeAfterMs: 5 },
      backoff: { firstMs: 5, mostMs: 50, jitter: 0.5 },
    });
    this.#session = session;
    session.onState((state) => {
      if (session !== this.#session || this.#isClosed) return;
      if (state.type === "open") this.#greet();
      else if (state.type !== "over")
        this.#events?.post({ type: state.type === "lost" ? "link-lost" : "link-restored" });
      else if (isWorthAnother(state.reason)) {
        this.#events?.post({ type: "link-lost" });
        setTimeout(() => this.#dial(), 20);
      }
    });
    session.onMessage((bytes) => this.#onFrame(decodeCoordinatorFrame(bytes)));
  }

  /** In a seat the machine says where it stands; without a model there is no seat yet. */
  #greet(): void {
    if (this.#events !== undefined) this.#events.post({ type: "link-restored" });
    else if (this.model === undefined)
      this.send({
        type: "hello",
        round: 0,
        attempt: 0,
        place: "awaiting-plan",
        applied: 0,
        modelHash: NO_MODEL,
      });
  }

  #onFrame(frame: CoordinatorFrame): void {
    this.heard.set(frame.type, (this.heard.get(frame.type) ?? 0) + 1);
    this.#options.hear?.(frame, this);
    if (frame.type === "chunk") this.#onChunk(frame);
    else if (frame.type === "plan")
      this.#events?.post({ type: "planned", plan: frame, seed: randomSecret(32) });
    else this.#events?.post({ type: "received", message: frame });
  }

  #onChunk({ vector, offset, total, bytes }: Chunk): void {
    if (offset === 0) this.#chunks = { vector, bytes: new Uint8Array(total), have: 0 };
    const chunks = this.#chunks;
    if (chunks?.vector !== vector || chunks.have !== offset) return;
    chunks.bytes.set(bytes, offset);
    chunks.have += bytes.length;
    if (chunks.have < total) return;
    if (vector === "model") {
      this.model = floatsOf(this.#options.job, chunks.bytes);
      this.#whenModel();
    } else {
      this.#sum = chunks.bytes;
      this.#applyWhenWhole();
    }
  }

  async #play(): Promise<void> {
    if (this.model === undefined)
      await new Promise<void>((resolve) => {
        this.#whenModel = resolve;
      });
    while (!this.#isClosed) {
      const end = await this.#playRound();
      if (end.stage === "applied") this.applied = end.round;
      else {
        this.end = isClientOver(end) ? end : undefined;
        return;
      }
    }
  }

  async #playRound(): Promise<ClientState> {
    const { job, id, identity } = this.#options;
    const hash = modelHash(job, this.modelBytes);
    this.#events = new Mailbox();
    this.#events.post({ type: "link-restored" });
    const start = openSeat({
      job,
      id,
      signingKey: identity.signing.secretKey,
      applied: this.applied,
      modelHash: hash,
      history: this.#history,
      strictCohorts: false,
    });
    const whole = { start, step: stepClient, isOver: isClientOver };
    return drive(whole, this.#events, (effect) => this.#perform(effect));
  }

  #perform(effect: ClientEffect): void {
    switch (effect.type) {
      case "send":
        return this.send(effect.message);
      case "persist":
        this.#history = remember(this.#history, effect.entry);
        return;
      case "train":
        void (this.#options.train?.(effect.round) ?? Promise.resolve()).then(() =>
          this.#events?.post({ type: "trained" }),
        );
        return;
      case "mask":
        void this.#mask(effect);
        return;
      case "upload":
        return this.#upload(effect);
      case "apply":
        this.#toApply = effect;
        this.#applyWhenWhole();
        return;
      case "set-deadline":
      case "clear-deadline":
      case "forget-secrets":
      case "drop-vector":
      case "note":
        return;
    }
  }

  async #mask({ round, streams }: Extract<ClientEffect, { readonly type: "mask" }>): Promise<void> {
    const { job, id } = this.#options;
    const update = updateOf(id, round, parameterCount(job.contract.tensors));
    const vector = this.#engine.allocate(job.layout);
    await this.#engine.quantise(
      {
        update,
        plan: quantiseSpec(job.quantisation),
        factor: 1,
        roundingSeed: sha256(Uint8Array.of(id, round)),
        scalarLanes: (clamped) =>
          encodeScalars(job.quantisation, {
            [WEIGHT]: 1,
            [CLIPPED]: 0,
            [CLAMPED]: clamped,
            examples: 10 * id,
            "loss-sum": 5 * id,
          }),
      },
      vector,
    );
    await this.#engine.addStreams(
      vector,
      streams.map(({ key, sign }) => ({ key: key.reveal(), sign })),
    );
    this.#vector = vector;
    const { bytes } = vector;
    this.#events?.post({ type: "masked", digest: sha256(bytes), byteLength: bytes.length });
  }

  #upload({ round, attempt, from }: AttemptName & { readonly from: number }): void {
    const { bytes } = this.#vector!;
    const total = bytes.length;
    const step = this.#options.chunkBytes ?? Math.min(CHUNK_BYTES, 1024 * Math.ceil(total / 65_536));
    for (let offset = from; offset < total; offset += step)
      this.send({
        type: "chunk",
        vector: "masked-input",
        round,
        attempt,
        offset,
        total,
        bytes: Uint8Array.from(bytes.subarray(offset, offset + step)),
      });
  }

  /** The sum may be here before the machine has asked for it. */
  #applyWhenWhole(): void {
    const [effect, sum] = [this.#toApply, this.#sum];
    if (effect === undefined || sum === undefined) return;
    this.#toApply = undefined;
    this.#sum = undefined;
    this.#apply(effect, sum);
  }

  #apply({ sumDigest, survivors }: ApplyEffect, bytes: Uint8Array): void {
    const { job } = this.#options;
    const decoded = decodeSum(job.quantisation, payloadOf(job.layout, bytes), survivors.length);
    if (decoded === undefined || sha256(bytes).join() !== sumDigest.join()) {
      this.#events?.post({ type: "failed", code: "sum-mismatch" });
      return;
    }
    this.model = applyUpdate({ flat: this.model!, memory: [] }, decoded.mean, job.contract.update.rule).flat;
    this.#events?.post({ type: "applied", modelHash: modelHash(job, this.modelBytes) });
  }
}

const isWorthAnother = (reason: SessionOver): boolean =>
  reason.type !== "closed-by-us" && reason.type !== "replaced";

/** The values stand at the end of the file. */
export const floatsOf = (job: Job, bytes: Uint8Array): Float32Array => {
  const length = 4 * parameterCount(job.contract.tensors);
  return new Float32Array(new Uint8Array(bytes.subarray(bytes.length - length)).buffer);
};
