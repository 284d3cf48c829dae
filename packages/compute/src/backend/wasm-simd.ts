/**
 * Kernels in WebAssembly SIMD that work in the wasm backend's own memory, for what that backend is slow at: matrix
 * products, whose operands may stand transposed, and transpositions that keep the last axis. Addresses and strides are in
 * bytes.
 */
import { invariant } from "@bulkhead/base";
import { assembleWat } from "../wat.ts";

/** Columns of a panel: one step of the depth in two registers. */
export const PANEL = 8;
/** Rows that a product makes at once: eight sums stay in registers, of the sixteen that x86-64 has. */
export const ROWS = 4;
const FLOAT = 4;

/** `kind` for each of `count` in turn. */
const each = (count: number, kind: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => kind(i)).join("\n");

/** Sets `$name`0, 1, … to the beginnings of lines `$stride` apart; of `$lines` that are there the last one is repeated. */
const lineStarts = (name: string, count: number, [from, stride, lines]: readonly string[]): string =>
  each(count, (i) =>
    i === 0
      ? `(local.set ${name}0 (local.get ${from}))`
      : `(local.set ${name}${i} (i32.add (local.get ${name}${i - 1})
          (select (local.get ${stride}) (i32.const 0) (i32.gt_s (local.get ${lines}) (i32.const ${i})))))`,
  );

const advance = (name: string, by: string): string =>
  `(local.set ${name} (i32.add (local.get ${name}) ${by}))`;

/** Four floats, one from each line that begins at `$name``first`, `$name``first + 1`, …. */
const oneOfEach = (name: string, first: number): string =>
  [1, 2, 3].reduce(
    (vector, i) => `(v128.load32_lane ${i} (local.get ${name}${first + i}) ${vector})`,
    `(v128.load32_splat (local.get ${name}${first}))`,
  );

/** Lays `$depth` steps of up to eight lines side by side: line j is column j. */
const PACK = `
  (func (export "pack")
    (param $from i32) (param $line i32) (param $step i32) (param $lines i32)
    (param $into i32) (param $end i32)
    ${each(PANEL, (i) => `(local $x${i} i32)`)}
    ${lineStarts("$x", PANEL, ["$from", "$line", "$lines"])}
    (loop $depth
      (v128.store (local.get $into) ${oneOfEach("$x", 0)})
      (v128.store offset=16 (local.get $into) ${oneOfEach("$x", 4)})
      ${each(PANEL, (i) => advance(`$x${i}`, "(local.get $step)"))}
      ${advance("$into", `(i32.const ${PANEL * FLOAT})`)}
      (br_if $depth (i32.lt_u (local.get $into) (local.get $end)))))`;

/** The same for eight columns that stand side by side already. */
const PACK_ROWS = `
  (func (export "packRows") (param $from i32) (param $step i32) (param $into i32) (param $end i32)
    (loop $depth
      (v128.store (local.get $into) (v128.load (local.get $from)))
      (v128.store offset=16 (local.get $into) (v128.load offset=16 (local.get $from)))
      ${advance("$from", "(local.get $step)")}
      ${advance("$into", `(i32.const ${PANEL * FLOAT})`)}
      (br_if $depth (i32.lt_u (local.get $into) (local.get $end)))))`;

const sumsOf = (kind: (sum: string, row: number, half: number) => string): string =>
  each(2 * ROWS, (i) => kind(`$s${i}`, i >> 1, i & 1));

const multiplied = (row: number): string => `
        (local.set $x (v128.load32_splat offset=${FLOAT * row} (local.get $a)))
        ${each(
          2,
          (half) => `
        (local.set $s${2 * row + half} (f32x4.add (local.get $s${2 * row + half})
          (f32x4.mul (local.get $x) (local.get $b${half}))))`,
        )}`;

/**
 * `$rows` rows of the left operand by all panels from `$panels` on, into rows of the result that begin at `$into`: added
 * to what stands there or, in `multiply`, written. Four rows of the operand at a time are laid side by side at `$tile`.
 */
const multiplyKernel = (name: string, start: (row: number, half: number) => string): string => `
  (func (export "${name}")
    (param $from i32) (param $line i32) (param $step i32) (param $rows i32)
    (param $tile i32) (param $tileEnd i32) (param $panels i32) (param $panelsEnd i32)
    (param $into i32) (param $intoLine i32)
    ${each(ROWS, (i) => `(local $y${i} i32) (local $r${i} i32)`)}
    (local $a i32) (local $b i32)
    ${sumsOf((sum) => `(local ${sum} v128)`)}
    (local $b0 v128) (local $b1 v128) (local $x v128)
    (loop $rowsLeft
      ${lineStarts("$y", ROWS, ["$from", "$line", "$rows"])}
      ${lineStarts("$r", ROWS, ["$into", "$intoLine", "$rows"])}
      (local.set $a (local.get $tile))
      (loop $packing
        (v128.store (local.get $a) ${oneOfEach("$y", 0)})
        ${each(ROWS, (i) => advance(`$y${i}`, "(local.get $step)"))}
        ${advance("$a", `(i32.const ${ROWS * FLOAT})`)}
        (br_if $packing (i32.lt_u (local.get $a) (local.get $tileEnd))))
      (local.set $b (local.get $panels))
      (loop $panel
        ${sumsOf((sum, row, half) => `(local.set ${sum} ${start(row, half)})`)}
        (local.set $a (local.get $tile))
        (loop $depth
          (local.set $b0 (v128.load (local.get $b)))
          (local.set $b1 (v128.load offset=16 (local.get $b)))
          ${each(ROWS, multiplied)}
          ${advance("$a", `(i32.const ${ROWS * FLOAT})`)}
          ${advance("$b", `(i32.const ${PANEL * FLOAT})`)}
          (br_if $depth (i32.lt_u (local.get $a) (local.get $tileEnd))))
        ${sumsOf((sum, row, half) => `(v128.store offset=${16 * half} (local.get $r${row}) (local.get ${sum}))`)}
        ${each(ROWS, (i) => advance(`$r${i}`, `(i32.const ${PANEL * FLOAT})`))}
        (br_if $panel (i32.lt_u (local.get $b) (local.get $panelsEnd))))
      ${each(ROWS, () => advance("$from", "(local.get $line)"))}
      ${each(ROWS, () => advance("$into", "(local.get $intoLine)"))}
      (local.set $rows (i32.sub (local.get $rows) (i32.const ${ROWS})))
      (br_if $rowsLeft (i32.gt_s (local.get $rows) (i32.const 0)))))`;

/** Copies runs of at least 16 bytes, `$stride` apart, one behind the other; the end of a run is copied twice. */
const GATHER_RUNS = `
  (func (export "gatherRuns")
    (param $from i32) (param $stride i32) (param $run i32) (param $into i32) (param $end i32)
    (local $last i32) (local $at i32) (local $place i32)
    (local.set $last (i32.sub (local.get $run) (i32.const 16)))
    (loop $runs
      (local.set $at (i32.const 0))
      (loop $steps
        (local.set $place (select (local.get $last) (local.get $at) (i32.gt_s (local.get $at) (local.get $last))))
        (v128.store (i32.add (local.get $into) (local.get $place))
          (v128.load (i32.add (local.get $from) (local.get $place))))
        ${advance("$at", "(i32.const 16)")}
        (br_if $steps (i32.lt_u (local.get $at) (local.get $run))))
      ${advance("$from", "(local.get $stride)")}
      ${advance("$into", "(local.get $run)")}
      (br_if $runs (i32.lt_u (local.get $into) (local.get $end)))))`;

/** The most that a memory of WebAssembly has, in pages: the backend's own limit is not above it. */
const MOST_PAGES = 65_536;

const textFor = (isShared: boolean): string => `(module
  (memory (import "backend" "memory") 1 ${MOST_PAGES} ${isShared ? "shared" : ""})
  ${PACK}
  ${PACK_ROWS}
  ${multiplyKernel("multiply", () => "(i32x4.splat (i32.const 0))")}
  ${multiplyKernel("multiplyAdd", (row, half) => `(v128.load offset=${16 * half} (local.get $r${row}))`)}
  ${GATHER_RUNS})`;

type Numbers<T extends readonly unknown[]> = (...args: T) => void;
type Pack = Numbers<readonly [number, number, number, number, number, number]>;
type Multiply = Numbers<
  readonly [number, number, number, number, number, number, number, number, number, number]
>;

export interface WasmSimd {
  /** Where so many bytes of the backend's memory are, for good. Throws when it is full. */
  readonly allocate: (bytes: number) => number;
  /** All of the backend's memory, until it grows. */
  readonly memory: () => Float32Array;
  /** From, line, step, lines, into, end. */
  readonly pack: Pack;
  /** From, step, into, end. */
  readonly packRows: Numbers<readonly [number, number, number, number]>;
  /** From, line, step, rows; tile and its end; panels and their end; into and its line. */
  readonly multiply: Multiply;
  readonly multiplyAdd: Multiply;
  /** From, stride, run, into, end. */
  readonly gatherRuns: Numbers<readonly [number, number, number, number, number]>;
}

/** What is used of it here; the language's own library has no types for WebAssembly. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

/** Emscripten puts them there; its published types leave them out. */
interface Emscripten {
  readonly _malloc: (bytes: number) => number;
  readonly HEAPU8: Uint8Array;
}

const isEmscripten = (module: object): module is Emscripten => "_malloc" in module && "HEAPU8" in module;

/** `module` is the backend's. Throws where there is no SIMD. */
export const openWasmSimd = (module: object): WasmSimd => {
  invariant(isEmscripten(module), "Emscripten's module has a memory");
  const { _malloc: allocate } = module;
  const shared: unknown = Reflect.get(module, "wasmMemory");
  const memory: unknown = shared ?? Reflect.get(Object(Reflect.get(module, "asm")), "memory");
  const code = new WebAssembly.Module(assembleWat(textFor(shared !== undefined)));
  const { exports } = new WebAssembly.Instance(code, { backend: { memory } });
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these are the functions of the text above
    ...(exports as Omit<WasmSimd, "allocate" | "memory">),
    allocate: (bytes) => {
      const at = allocate(bytes);
      if (at === 0) throw new Error("the memory of WebAssembly is full");
      return at;
    },
    memory: () => new Float32Array(module.HEAPU8.buffer),
  };
};
