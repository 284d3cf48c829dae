/** Everything that passes at a coordinator: the last message of each type by member, and a line for each frame in a file. */
import fs from "node:fs";
import type { ClientFrame, ClientMessage, CoordinatorFrame, CoordinatorMessage } from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { Tap } from "./attacks.ts";

/** One line of the captured wire. */
export interface WireLine {
  readonly way: "up" | "down";
  readonly member: number;
  readonly type: string;
  /** Where the frame says so itself. */
  readonly round?: number;
  readonly attempt?: number;
}

type Seen = Pick<Tap, "received" | "sent">;

export class WireTap implements Seen {
  readonly #file: number;
  readonly #up = new Map<string, ClientMessage>();
  readonly #down = new Map<string, CoordinatorMessage>();

  constructor(file: string) {
    this.#file = fs.openSync(file, "a", 0o600);
  }

  readonly received: Tap["received"] = (type, from) =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is kept under its own type
    this.#up.get(`${type} ${from}`) as ReturnType<typeof this.received<typeof type>>;

  readonly sent: Tap["sent"] = (type, to) =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is kept under its own type
    this.#down.get(`${type} ${to}`) as ReturnType<typeof this.sent<typeof type>>;

  noteReceived(frame: ClientFrame, from: MemberId): void {
    if (frame.type !== "chunk") this.#up.set(`${frame.type} ${from}`, frame);
    this.#write({ way: "up", member: from, ...namesOf(frame) });
  }

  noteSent(frame: CoordinatorFrame, to: MemberId): void {
    if (frame.type !== "chunk") this.#down.set(`${frame.type} ${to}`, frame);
    this.#write({ way: "down", member: to, ...namesOf(frame) });
  }

  #write(line: WireLine): void {
    fs.writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

const namesOf = (frame: ClientFrame | CoordinatorFrame): Pick<WireLine, "type" | "round" | "attempt"> =>
  "round" in frame ? { type: frame.type, round: frame.round, attempt: frame.attempt } : { type: frame.type };
