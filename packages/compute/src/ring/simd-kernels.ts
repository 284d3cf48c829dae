/**
 * The kernels in WebAssembly SIMD. They work in a small memory of their own: a piece of the vector is copied in, takes
 * all terms while it is in the cache, and is copied back, so that vectors may lie anywhere and have any length.
 */
import { invariant } from "@bulkhead/base";
import { copyBytes } from "./copy-bytes.ts";
import { type EncodeRun, type LaneKernels, PIECE, type Term } from "./lane-kernels.ts";
import { assembleWat } from "../wat.ts";

const PAGE = 64 * 1024;
/** Where a piece of the vector, the term or dither for it, and the values to encode stand: see {@link placeFor}. */
const SLACK = 4096;
const TERM = 0;
const TARGETS = PIECE;
const VALUES = 2 * PIECE + SLACK;
const PAGES = Math.ceil((3 * PIECE + 2 * SLACK) / PAGE);

/**
 * Where in a region to put a copy of `bytes`: half a page from where they stand in theirs. Processors copy blocks four
 * times slower to a place that is a few bytes above the source in its page of 4 KiB (measured on AMD's Zen 3).
 */
const placeFor = (bytes: Uint8Array | Float32Array, region: number): number =>
  region + (((bytes.byteOffset + SLACK / 2) % SLACK) & ~63);

/** In bytes; the kernels write whole steps, over the end of a piece that is shorter. */
const ADD_STEP = 64;

/** Adds the lanes from `$term` on to those from `$target` to before `$end`, or takes them away. */
const addKernel = (name: string, operation: string): string => `
  (func (export "${name}") (param $target i32) (param $term i32) (param $end i32)
    (loop $step
      ${[0, 16, 32, 48]
        .map(
          (at) => `
      (v128.store offset=${at} (local.get $target)
        (${operation}
          (v128.load offset=${at} (local.get $target))
          (v128.load offset=${at} (local.get $term))))`,
        )
        .join("")}
      (local.set $target (i32.add (local.get $target) (i32.const ${ADD_STEP})))
      (local.set $term (i32.add (local.get $term) (i32.const ${ADD_STEP})))
      (br_if $step (i32.lt_u (local.get $target) (local.get $end)))))`;

/** In values. */
const ENCODE_STEP = 8;

/**
 * Encodes two values into local `$into`: q = floor(x * multiplier + u / 2^32) in doubles, clamped and counted. Added to
 * 3 * 2^51 a whole number stands in the low 32 bits of the double, in two's complement.
 */
const encodePair = (into: string, at: number): string => `
      (local.set ${into} (f64x2.floor (f64x2.add
        (f64x2.mul
          (f64x2.promote_low_f32x4 (v128.load64_zero offset=${at} (local.get $values)))
          (local.get $scale))
        (f64x2.mul
          (f64x2.convert_low_i32x4_u (v128.load64_zero offset=${at} (local.get $dither)))
          (local.get $unit)))))
      (local.set $bounded (f64x2.pmax
        (f64x2.pmin (local.get ${into}) (local.get $most))
        (local.get $least)))
      ;; True is -1.
      (local.set $clamped
        (i64x2.sub (local.get $clamped) (f64x2.ne (local.get $bounded) (local.get ${into}))))
      (local.set ${into} (f64x2.add (local.get $bounded) (local.get $whole)))`;

const LOW_HALVES = "0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27";
const FIRST_FOUR = `(i8x16.shuffle ${LOW_HALVES} (local.get $a) (local.get $b))`;
const LAST_FOUR = `(i8x16.shuffle ${LOW_HALVES} (local.get $c) (local.get $d))`;

const STORE_LANES = {
  16: `(v128.store (local.get $lanes) (i16x8.narrow_i32x4_s ${FIRST_FOUR} ${LAST_FOUR}))`,
  32: `(v128.store (local.get $lanes) ${FIRST_FOUR}) (v128.store offset=16 (local.get $lanes) ${LAST_FOUR})`,
} as const;

/** Encodes the values from `$values` to before `$end`. Gives the count of those clamped, -1 if one is not finite. */
const encodeKernel = (laneBits: 16 | 32): string => `
  (func (export "encode${laneBits}")
    (param $lanes i32) (param $dither i32) (param $values i32) (param $end i32)
    (param $multiplier f64) (param $largest f64)
    (result i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $scale v128) (local $most v128) (local $least v128) (local $unit v128) (local $whole v128)
    (local $bounded v128) (local $clamped v128) (local $magnitude v128)
    (local.set $scale (f64x2.splat (local.get $multiplier)))
    (local.set $most (f64x2.splat (local.get $largest)))
    (local.set $least (f64x2.splat (f64.neg (local.get $largest))))
    (local.set $unit (f64x2.splat (f64.const ${2 ** -32})))
    (local.set $whole (f64x2.splat (f64.const ${3 * 2 ** 51})))
    (loop $step
      ;; Without its sign, a value with the largest exponent is infinite or no number.
      (local.set $magnitude (i32x4.max_u (local.get $magnitude) (i32x4.max_u
        (i32x4.shl (v128.load (local.get $values)) (i32.const 1))
        (i32x4.shl (v128.load offset=16 (local.get $values)) (i32.const 1)))))
      ${["$a", "$b", "$c", "$d"].map((into, pair) => encodePair(into, 8 * pair)).join("")}
      ${STORE_LANES[laneBits]}
      (local.set $values (i32.add (local.get $values) (i32.const ${4 * ENCODE_STEP})))
      (local.set $dither (i32.add (local.get $dither) (i32.const ${4 * ENCODE_STEP})))
      (local.set $lanes (i32.add (local.get $lanes) (i32.const ${(laneBits / 8) * ENCODE_STEP})))
      (br_if $step (i32.lt_u (local.get $values) (local.get $end))))
    (select
      (i32.const -1)
      (i32.wrap_i64 (i64.add
        (i64x2.extract_lane 0 (local.get $clamped))
        (i64x2.extract_lane 1 (local.get $clamped))))
      (v128.any_true (i32x4.ge_u (local.get $magnitude) (i32x4.splat (i32.const ${0xff << 24}))))))`;

const SIMD_KERNELS = `(module
  (memory (export "memory") ${PAGES} ${PAGES})
  ${addKernel("add16", "i16x8.add")}
  ${addKernel("sub16", "i16x8.sub")}
  ${addKernel("add32", "i32x4.add")}
  ${addKernel("sub32", "i32x4.sub")}
  ${encodeKernel(16)}
  ${encodeKernel(32)})`;

/** What is used of it here; the language's own library has no types for WebAssembly. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

type AddKernel = (target: number, term: number, end: number) => void;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly add16: AddKernel;
  readonly sub16: AddKernel;
  readonly add32: AddKernel;
  readonly sub32: AddKernel;
  readonly encode16: EncodeKernel;
  readonly encode32: EncodeKernel;
}

/** Where lanes, dither, values and the end of the values stand; multiplier and largest quantum. */
type EncodeKernel = (...args: readonly [number, number, number, number, number, number]) => number;

/** `undefined` where there is no WebAssembly, or none with SIMD. */
export const openSimdKernels = (): LaneKernels | undefined => {
  const exports = instantiate();
  if (exports === undefined) return undefined;
  const memory = new Uint8Array(exports.memory.buffer);
  return {
    name: "simd",
    addTerms: (laneBits, target, terms) => addTerms(exports, memory, { laneBits, target, terms }),
    encode: (laneBits, run) => encode(exports[`encode${laneBits}`], memory, run),
  };
};

const instantiate = (): Exports | undefined => {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assembleWat(SIMD_KERNELS)));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these are the functions of the text above
    return exports as Exports;
  } catch {
    return undefined;
  }
};

interface Addition {
  readonly laneBits: 16 | 32;
  readonly target: Uint8Array;
  readonly terms: readonly Term[];
}

const addTerms = (kernels: Exports, memory: Uint8Array, { laneBits, target, terms }: Addition): void => {
  const { length } = target;
  invariant(length <= PIECE, "a piece fits its place");
  const [add, sub] = laneBits === 16 ? [kernels.add16, kernels.sub16] : [kernels.add32, kernels.sub32];
  const at = placeFor(target, TARGETS);
  copyBytes(memory.subarray(at), target);
  for (const { sign, next } of terms) {
    memory.set(next(length), TERM);
    (sign === 1 ? add : sub)(at, TERM, at + length);
  }
  copyBytes(target, memory.subarray(at, at + length));
};

const encode = (kernel: EncodeKernel, memory: Uint8Array, run: EncodeRun): number => {
  const { values, dither, lanes, multiplier, largest } = run;
  const length = 4 * values.length;
  invariant(length <= PIECE && dither.length === length, "a piece fits its place");
  const from = placeFor(values, VALUES);
  const into = placeFor(lanes, TARGETS);
  copyBytes(memory.subarray(from), new Uint8Array(values.buffer, values.byteOffset, length));
  // Zeros are neither clamped nor infinite.
  memory.fill(0, from + length, from + Math.ceil(length / (4 * ENCODE_STEP)) * 4 * ENCODE_STEP);
  memory.set(dither, TERM);
  const clamped = kernel(into, TERM, from, from + length, multiplier, largest);
  if (clamped < 0) throw new Error("an update holds a value that is not finite");
  copyBytes(lanes, memory.subarray(into, into + lanes.length));
  return clamped;
};
