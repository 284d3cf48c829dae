/** How the journals' entries look in bytes: canonical, so that a damaged one is an error and never another entry. */
import { type Canonical, concatBytes, rawBytes, ShapeError, u16, u32, u8, varBytes } from "@bulkhead/base";
import { MAX_MEMBERS, memberId, type MemberId, memberIdCodec } from "@bulkhead/secagg";
import { decodeClientFrame, encodeFrame, LONGEST_CONTROL } from "./codec.ts";
import type { ClientEntry, CoordinatorEvent, UploadOutcome } from "./step.ts";

const members = varBytes(MAX_MEMBERS);
const hash = rawBytes(32);
const frame = varBytes(LONGEST_CONTROL);

const membersOf = (bytes: Uint8Array): readonly MemberId[] =>
  [...bytes].map((byte) => memberId(byte, "survivors"));

export const clientEntryCodec: Canonical<ClientEntry> = {
  write: (entry) => {
    const name = concatBytes(u32.write(entry.round), u16.write(entry.attempt));
    switch (entry.type) {
      case "joined":
        return concatBytes(u8.write(1), name);
      case "signed":
        return concatBytes(
          u8.write(2),
          name,
          members.write(Uint8Array.from(entry.survivors)),
          hash.write(entry.modelHash),
        );
      case "revealed":
        return concatBytes(u8.write(3), name);
    }
  },
  read: (from) => {
    const type = u8.read(from);
    const name = { round: u32.read(from), attempt: u16.read(from) };
    if (type === 1) return { type: "joined", ...name };
    if (type === 2)
      return {
        type: "signed",
        ...name,
        survivors: membersOf(members.read(from)),
        modelHash: hash.read(from),
      };
    if (type === 3) return { type: "revealed", ...name };
    throw new ShapeError("entry", "a known kind of entry");
  },
};

const SUM_OUTCOMES = ["masks-did-not-cancel", "plain"] as const;
const OUTCOMES: readonly UploadOutcome[] = ["added", "length", "digest", "missing"];

export const coordinatorEventCodec: Canonical<CoordinatorEvent> = {
  write: (event) => {
    switch (event.type) {
      case "received":
        return concatBytes(
          u8.write(1),
          memberIdCodec.write(event.from),
          frame.write(encodeFrame(event.message)),
        );
      case "folded":
        return concatBytes(
          u8.write(2),
          memberIdCodec.write(event.from),
          u8.write(OUTCOMES.indexOf(event.outcome)),
        );
      case "summed":
        return concatBytes(
          u8.write(3),
          u8.write(SUM_OUTCOMES.indexOf(event.outcome)),
          hash.write(event.digest),
        );
      case "lost":
        return concatBytes(u8.write(4), memberIdCodec.write(event.from));
      case "deadline-passed":
        return u8.write(5);
    }
  },
  read: (from) => {
    switch (u8.read(from)) {
      case 1:
        return { type: "received", from: memberIdCodec.read(from), message: readMessage(frame.read(from)) };
      case 2:
        return { type: "folded", from: memberIdCodec.read(from), outcome: readOutcome(u8.read(from)) };
      case 3:
        return { type: "summed", outcome: readSumOutcome(u8.read(from)), digest: hash.read(from) };
      case 4:
        return { type: "lost", from: memberIdCodec.read(from) };
      case 5:
        return { type: "deadline-passed" };
      default:
        throw new ShapeError("event", "a known kind of event");
    }
  },
};

const readMessage = (bytes: Uint8Array) => {
  const message = decodeClientFrame(bytes);
  if (message.type === "chunk") throw new ShapeError("event", "a message");
  return message;
};

const readOutcome = (index: number): UploadOutcome => {
  const outcome = OUTCOMES[index];
  if (outcome === undefined) throw new ShapeError("outcome", "a known outcome");
  return outcome;
};

const readSumOutcome = (index: number): (typeof SUM_OUTCOMES)[number] => {
  const outcome = SUM_OUTCOMES[index];
  if (outcome === undefined) throw new ShapeError("outcome", "a known outcome");
  return outcome;
};
