import { PassThrough } from "node:stream";
import { Secret, ShapeError, u32ToBytes, utf8 } from "@bulkhead/base";
import {
  decodePipeMessage,
  encodePipeMessage,
  LONGEST_PIPE_MESSAGE,
  MessageWriter,
  messagesOf,
  passphraseMessage,
  type PipeMessage,
} from "@bulkhead/client";
import fc from "fast-check";
import { expect, test } from "vitest";

const MESSAGES: readonly PipeMessage[] = [
  { type: "start", settings: utf8("{}"), contract: utf8("{}") },
  { type: "passphrase", bytes: utf8("correct horse") },
  { type: "stop", withdraws: true },
  { type: "certificate", bytes: new Uint8Array(100) },
  { type: "begin", epoch: 7 },
  { type: "frame", bytes: Uint8Array.of(1, 2, 3) },
  { type: "close" },
  { type: "gateway-key", bytes: new Uint8Array(32).fill(5) },
  { type: "link", state: "restored", epoch: 2 ** 31 },
  { type: "refused", code: "attempts" },
  { type: "over", code: "not-let-in" },
  { type: "news", json: utf8("{}") },
];

test("every message of the pipe comes back as it was", () => {
  for (const message of MESSAGES) expect(decodePipeMessage(encodePipeMessage(message))).toEqual(message);
});

test("bytes that are no message throw a ShapeError and nothing else", () => {
  const valid = fc.constantFrom(...MESSAGES).map(encodePipeMessage);
  const cut = fc.tuple(valid, fc.nat(40)).map(([bytes, length]) => bytes.slice(0, length));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), cut), (bytes) => {
      try {
        decodePipeMessage(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(ShapeError);
      }
    }),
  );
});

test("the passphrase's message is the one that the codec gives, in memory that is wiped when the system has it", async () => {
  const passphrase = new Secret(utf8("correct horse"));
  const message = passphraseMessage(passphrase);
  expect(message.reveal()).toEqual(encodePipeMessage({ type: "passphrase", bytes: utf8("correct horse") }));
  const stream = new PassThrough();
  const read = messagesOf(stream)[Symbol.asyncIterator]();
  new MessageWriter(stream).sendSecret(message);
  const { value } = await read.next();
  expect(decodePipeMessage(value ?? new Uint8Array(0))).toMatchObject({ type: "passphrase" });
  await new Promise((resolve) => setImmediate(resolve));
  expect(message.isWiped).toBe(true);
});

test("messages survive however the stream is cut into pieces", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 10 }),
      fc.integer({ min: 1, max: 9 }),
      async (messages, piece) => {
        const bytes = Buffer.concat(messages.flatMap((message) => [u32ToBytes(message.length), message]));
        const stream = new PassThrough();
        for (let at = 0; at < bytes.length; at += piece) stream.write(bytes.subarray(at, at + piece));
        stream.end();
        const read: Uint8Array[] = [];
        for await (const message of messagesOf(stream)) read.push(message);
        expect(read).toEqual(messages);
      },
    ),
    { numRuns: 50 },
  );
});

test("a length beyond the bound is refused before anything is kept for it", async () => {
  const stream = new PassThrough();
  stream.write(u32ToBytes(LONGEST_PIPE_MESSAGE + 1));
  await expect(messagesOf(stream).next()).rejects.toThrow(ShapeError);
});
