/** ChaCha20 as RFC 8439, section 2.3 writes it down, one block and one byte at a time. */
export const slowKeystream = (
  at: { readonly key: Uint8Array; readonly nonce: Uint8Array; readonly offset: number },
  length: number,
): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => {
    const position = at.offset + i;
    return blockOf(at.key, at.nonce, Math.floor(position / 64))[position % 64]!;
  });

const blocks = new Map<string, Uint8Array>();

const blockOf = (key: Uint8Array, nonce: Uint8Array, counter: number): Uint8Array => {
  const name = [key.join(), nonce.join(), counter].join("|");
  const known = blocks.get(name) ?? chacha20Block(key, nonce, counter);
  blocks.set(name, known);
  return known;
};

export const chacha20Block = (key: Uint8Array, nonce: Uint8Array, counter: number): Uint8Array => {
  const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
  const initial = Uint32Array.from([...constants, ...words(key), counter, ...words(nonce)]);
  const state = initial.slice();
  for (let round = 0; round < 10; round++) {
    for (const [a, b, c, d] of COLUMNS) quarterRound(state, [a, b, c, d]);
    for (const [a, b, c, d] of DIAGONALS) quarterRound(state, [a, b, c, d]);
  }
  const block = new DataView(new ArrayBuffer(64));
  state.forEach((word, i) => block.setUint32(4 * i, (word + initial[i]!) >>> 0, true));
  return new Uint8Array(block.buffer);
};

type Four = readonly [number, number, number, number];
const COLUMNS: readonly Four[] = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
];
const DIAGONALS: readonly Four[] = [
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
];

const quarterRound = (state: Uint32Array, [a, b, c, d]: Four): void => {
  const step = (x: number, y: number, z: number, turn: number) => {
    state[x] = state[x]! + state[y]!;
    const mixed = state[z]! ^ state[x];
    state[z] = (mixed << turn) | (mixed >>> (32 - turn));
  };
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
};

const words = (bytes: Uint8Array): readonly number[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
};
