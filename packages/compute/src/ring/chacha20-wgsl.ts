/**
 * ChaCha20 [RFC 8439, section 2.3] and the addition of lanes as one compute shader: each invocation makes one block of
 * every stream and adds it to the sum in its registers. WGSL's u32 wraps around and loses no bit, unlike f32.
 */

/** A key, then all ones where the stream is taken away, else zeros. */
export const STREAM_BYTES = 48;
/** What a dispatch covers, in a uniform buffer: see `Run`. */
export const RUN_BYTES = 32;
export const BLOCK_BYTES = 64;
export const WORKGROUP = 64;

export const chacha20Wgsl = (laneBits: 16 | 32): string => `
struct Stream { key: array<vec4<u32>, 2>, complement: vec4<u32> }
struct Run {
  nonce: vec3<u32>,
  firstCounter: u32,
  firstOut: u32,
  blocks: u32,
  firstStream: u32,
  streams: u32,
}
@group(0) @binding(0) var<storage, read> streams: array<Stream>;
@group(0) @binding(1) var<uniform> run: Run;
@group(0) @binding(2) var<storage, read_write> sums: array<vec4<u32>>;

fn rotate(x: vec4<u32>, left: u32) -> vec4<u32> {
  return (x << vec4(left)) | (x >> vec4(32u - left));
}

${laneBits === 32 ? ADD_WORDS : ADD_PAIRS}

@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= run.blocks) { return; }
  let out = 4u * (run.firstOut + id.x);
  var sum: array<vec4<u32>, 4>;
  if (run.firstStream > 0u) {
    for (var i = 0u; i < 4u; i++) { sum[i] = sums[out + i]; }
  }
  let first = vec4(0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u);
  let last = vec4(run.firstCounter + id.x, run.nonce);
  for (var j = run.firstStream; j < run.firstStream + run.streams; j++) {
    let key = streams[j].key;
    var a = first; var b = key[0]; var c = key[1]; var d = last;
    for (var round = 0u; round < 10u; round++) {
      a += b; d = rotate(d ^ a, 16u); c += d; b = rotate(b ^ c, 12u);
      a += b; d = rotate(d ^ a, 8u); c += d; b = rotate(b ^ c, 7u);
      b = b.yzwx; c = c.zwxy; d = d.wxyz;
      a += b; d = rotate(d ^ a, 16u); c += d; b = rotate(b ^ c, 12u);
      a += b; d = rotate(d ^ a, 8u); c += d; b = rotate(b ^ c, 7u);
      b = b.wxyz; c = c.zwxy; d = d.yzwx;
    }
    // a - b is the complement of (complement of a) + b.
    let m = streams[j].complement;
    sum[0] = m ^ add(m ^ sum[0], a + first);
    sum[1] = m ^ add(m ^ sum[1], b + key[0]);
    sum[2] = m ^ add(m ^ sum[2], c + key[1]);
    sum[3] = m ^ add(m ^ sum[3], d + last);
  }
  for (var i = 0u; i < 4u; i++) { sums[out + i] = sum[i]; }
}
`;

const ADD_WORDS = "fn add(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> { return a + b; }";

/** Two lanes in a word: all bits but the top ones can be added without a carry into the neighbour. */
const ADD_PAIRS = `fn add(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  let rest = vec4(0x7fff7fffu);
  return ((a & rest) + (b & rest)) ^ ((a ^ b) & ~rest);
}`;
