/**
 * Takes what members say to where it belongs. A member that says where it stands gets what it lacks there: the initial
 * model, the next sum it has missed, or, from the machine, the message of its stage.
 */
import type {
  ClientFrame,
  ClientMessage,
  CoordinatorMessage,
  Job,
  LeaveCode,
  MessageOf,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { MemberLog } from "./coordinator-log.ts";
import type { JobFolder } from "./job-folder.ts";
import type { AppliedEntry } from "./journal/job-journal.ts";
import type { MemberDesk } from "./member-desk.ts";
import { initialModelFrames, resultFrames } from "./published-rounds.ts";
import type { RollCall } from "./roll-call.ts";
import type { RunningAttempt } from "./run-round.ts";

const LEAVES_ATTEMPT_ONLY: ReadonlySet<LeaveCode> = new Set(["attempt-lost", "bad-share"]);

interface ReceptionTools {
  readonly job: Job;
  readonly folder: JobFolder;
  readonly desks: ReadonlyMap<MemberId, MemberDesk>;
  readonly rollCall: RollCall;
  readonly logMember: MemberLog;
}

export class Reception {
  readonly #tools: ReceptionTools;
  /** What there is to hear, as training goes on. */
  attempt: RunningAttempt | undefined;
  applied: readonly AppliedEntry[] = [];
  modelHash: Uint8Array = new Uint8Array(32);
  #held: Promise<void> | undefined;
  /** Once the job is over: who has been told. */
  #ending: { readonly code: "done" | "failed"; readonly told: Set<MemberId> } | undefined;

  constructor(tools: ReceptionTools) {
    this.#tools = tools;
  }

  get told(): ReadonlySet<MemberId> {
    return this.#ending?.told ?? new Set();
  }

  /** Until the function that it gives is called, members wait with what they say: an attempt is being taken up again. */
  hold(): () => void {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#held = held;
    return () => {
      this.#held = undefined;
      release();
    };
  }

  hear(from: MemberId, frame: ClientFrame): void | Promise<void> {
    return this.#held === undefined
      ? this.#hear(from, frame)
      : this.#held.then(() => this.#hear(from, frame));
  }

  #hear(from: MemberId, frame: ClientFrame): void | Promise<void> {
    if (frame.type === "chunk") return this.attempt?.take(from, frame);
    if (frame.type === "hello") return this.#onHello(from, frame);
    if (frame.type === "leave") return this.#onLeave(from, frame);
    return this.attempt?.post({ type: "received", from, message: frame });
  }

  /** A plan goes to those who have the model that it names, or think that they are further: the others get that first. */
  send(to: MemberId, message: CoordinatorMessage): void {
    const desk = this.#tools.desks.get(to);
    if (message.type === "plan" && (desk?.greeting?.applied ?? -1) < this.applied.length) return;
    desk?.post(message);
  }

  lost(from: MemberId): void {
    void this.attempt?.post({ type: "lost", from });
  }

  /** A member that holds the model before this round gets its sum; who holds an older one asks when it is so far. */
  publish(entry: AppliedEntry): void {
    for (const desk of this.#tools.desks.values())
      if (desk.greeting?.applied === entry.round - 1) this.#sendRound(desk, entry);
  }

  /** Members with the last model are told that the job is over; the others once they have it, or at once if it failed. */
  end(code: "done" | "failed"): void {
    this.#ending = { code, told: new Set() };
    for (const desk of this.#tools.desks.values())
      if (desk.isLinked && (code === "failed" || desk.greeting?.applied === this.applied.length))
        this.#tell(desk);
  }

  #onHello(from: MemberId, hello: MessageOf<ClientMessage, "hello">): void | Promise<void> {
    const desk = this.#tools.desks.get(from)!;
    desk.greet(hello);
    this.#tools.rollCall.changed();
    if (this.#ending?.code === "failed") return this.#tell(desk);
    if (hello.applied === 0 && hello.modelHash.every((byte) => byte === 0))
      return desk.stream("model", () => initialModelFrames(this.#tools.folder));
    const missed = this.applied[hello.applied];
    if (missed !== undefined) return this.#sendRound(desk, missed);
    this.#noteLineage(desk, hello);
    if (this.#ending !== undefined) return this.#tell(desk);
    return this.#greetAttempt(from, hello);
  }

  /** One that waits for a plan while an attempt is beyond that takes no part in it, whatever it has sent before. */
  #greetAttempt(from: MemberId, hello: MessageOf<ClientMessage, "hello">): void | Promise<void> {
    const { attempt } = this;
    const greeted = attempt?.post({ type: "received", from, message: hello });
    if (hello.place === "awaiting-plan" && attempt?.state.stage !== "collecting-adverts") this.lost(from);
    return greeted;
  }

  /** Some leave one attempt only: the next one may count on this member. */
  #onLeave(from: MemberId, message: MessageOf<ClientMessage, "leave">): void | Promise<void> {
    const desk = this.#tools.desks.get(from)!;
    const heard = this.attempt?.post({ type: "received", from, message });
    if (LEAVES_ATTEMPT_ONLY.has(message.code) || desk.hasLeft) return heard;
    desk.leave();
    this.#tools.logMember("warn", {
      from,
      name: desk.member.name,
      presence: "left",
      why: message.code,
    });
    this.lost(from);
    this.#tools.rollCall.changed();
    return heard;
  }

  #sendRound(desk: MemberDesk, entry: AppliedEntry): void {
    desk.stream(`round ${entry.round}`, () => resultFrames(this.#tools.folder, entry));
  }

  #tell(desk: MemberDesk): void {
    if (this.#ending === undefined) return;
    desk.post({ type: "finished", code: this.#ending.code });
    this.#ending.told.add(desk.member.id);
    this.#tools.rollCall.changed();
  }

  /** One with another model cannot take part: the plan that it is shown makes it say so and leave. */
  #noteLineage(desk: MemberDesk, { applied }: MessageOf<ClientMessage, "hello">): void {
    const model = { applied: this.applied.length, modelHash: this.modelHash };
    if (desk.isReady(model)) return;
    this.#tools.logMember("warn", {
      from: desk.member.id,
      name: desk.member.name,
      presence: applied > model.applied ? "ahead" : "other-model",
    });
  }
}
