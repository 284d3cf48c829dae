import fs from "node:fs";
import { join } from "node:path";
import { concatBytes } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import { CHUNK_BYTES } from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { openSpool, type Spool } from "@bulkhead/coordinator";
import { freshFolder } from "../launch.ts";

const id = memberId(3);
const LENGTH = 200;
const vector = Uint8Array.from({ length: LENGTH }, (_, i) => (i * 31) % 251);
const claim = { digest: sha256(vector), byteLength: LENGTH };
const piece = (offset: number, end: number) => ({ offset, bytes: vector.subarray(offset, end) });

const open = async (folder = freshFolder()): Promise<Spool> => {
  const spool = await openSpool(join(folder, "spool"), LENGTH);
  onTestFinished(() => spool.close());
  return spool;
};

const whole = (spool: Spool) => concatBytes(...[...spool.pieces(id)].map(({ bytes }) => bytes));

test("an upload in order is added once it is whole, and can be read again by pieces", async () => {
  const spool = await open();
  expect(spool.check(id, claim)).toBe("missing");
  spool.take(id, piece(0, 120));
  expect(spool.check(id, claim)).toBe("length");
  spool.take(id, piece(120, LENGTH));
  expect(spool.received(id)).toBe(LENGTH);
  expect(spool.check(id, claim)).toBe("added");
  expect(spool.check(id, claim)).toBe("added");
  expect(whole(spool)).toEqual(vector);
});

test("whatever is repeated, overlaps or leaves a gap, only the continuation is taken", async () => {
  const chunks = fc.array(fc.tuple(fc.nat(LENGTH), fc.nat(60)), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(chunks, async (offsets) => {
      const spool = await openSpool(join(freshFolderOfProperty(), "spool"), LENGTH);
      for (const [offset, length] of offsets) {
        const before = spool.received(id);
        spool.take(id, piece(offset, offset + length));
        const end = Math.min(offset + length, LENGTH);
        expect(spool.received(id)).toBe(offset <= before ? Math.max(before, end) : before);
      }
      expect(whole(spool)).toEqual(vector.subarray(0, spool.received(id)));
      spool.close();
    }),
    { numRuns: 50 },
  );
});

let folder = "";
let count = 0;
const freshFolderOfProperty = (): string => {
  if (!fs.existsSync(folder)) folder = freshFolder();
  return join(folder, String(count++));
};

test("an upload with another digest begins again", async () => {
  const spool = await open();
  spool.take(id, { offset: 0, bytes: vector.map((byte) => byte ^ 1) });
  expect(spool.check(id, claim)).toBe("digest");
  expect(spool.received(id)).toBe(0);
  spool.take(id, piece(0, LENGTH));
  expect(spool.check(id, claim)).toBe("added");
});

test("nothing beyond the contract's vector is kept", async () => {
  const spool = await open();
  spool.take(id, { offset: 0, bytes: new Uint8Array(LENGTH + 50) });
  spool.take(id, { offset: LENGTH, bytes: new Uint8Array(50) });
  expect(spool.received(id)).toBe(LENGTH);
});

test("another process goes on where the one before ended", async () => {
  const home = freshFolder();
  const first = await open(home);
  first.take(id, piece(0, 77));
  first.close();
  const second = await open(home);
  expect(second.received(id)).toBe(77);
  second.take(id, piece(60, LENGTH));
  expect(second.check(id, claim)).toBe("added");
});

test("what a torn write has left is found out by the digest", async () => {
  const home = freshFolder();
  const first = await open(home);
  first.take(id, piece(0, LENGTH));
  fs.writeFileSync(first.fileOf(id), new Uint8Array(LENGTH));
  first.close();
  const second = await open(home);
  expect(second.check(id, claim)).toBe("digest");
  expect(second.received(id)).toBe(0);
});

test("members do not disturb each other, and all goes when the attempt is over", async () => {
  const home = freshFolder();
  const spool = await open(home);
  const other = memberId(4);
  spool.take(id, piece(0, LENGTH));
  spool.take(other, { offset: 0, bytes: new Uint8Array(10) });
  expect(spool.check(id, claim)).toBe("added");
  expect(spool.received(other)).toBe(10);
  spool.remove();
  expect(fs.existsSync(join(home, "spool"))).toBe(false);
});

test("pieces of a long upload are as long as a chunk, so that they hold whole lanes", async () => {
  const length = CHUNK_BYTES + 8;
  const spool = await openSpool(join(freshFolder(), "spool"), length);
  onTestFinished(() => spool.close());
  spool.take(id, { offset: 0, bytes: new Uint8Array(length) });
  expect([...spool.pieces(id)].map(({ offset, bytes }) => [offset, bytes.length])).toEqual([
    [0, CHUNK_BYTES],
    [CHUNK_BYTES, 8],
  ]);
});
