/**
 * Assembles WebAssembly from its text format: the part in which the kernels here are written, so that they need no tool
 * to be built and no binary in the repository. A module has one memory, its own or given to it, and functions of folded
 * expressions; encodings are those of the WebAssembly specification, chapter 5.
 */
import { invariant, utf8 } from "@bulkhead/base";

type Tree = string | readonly Tree[];
type Bytes = readonly number[];

/** Names of a function's parameters and locals, and of the blocks around the place, innermost last. */
interface Scope {
  readonly locals: readonly string[];
  readonly labels: readonly string[];
}

export const assembleWat = (text: string): Uint8Array<ArrayBuffer> => {
  const [module, ...rest] = parse(text);
  invariant(module !== undefined && rest.length === 0, "one module");
  const [head, first, ...others] = listOf(module);
  invariant(head === "module" && first !== undefined, "a module begins with its memory");
  const memory = memoryParts(first);
  const functions = others.map(functionParts);
  const sections = [
    section(1, vector(functions.map(({ type }) => type))),
    section(2, vector(memory.imports)),
    section(3, vector(functions.map((_, i) => unsigned(i)))),
    section(5, vector(memory.own)),
    section(
      7,
      vector([...memory.exports, ...functions.map(({ name }, i) => [...nameBytes(name), 0, ...unsigned(i)])]),
    ),
    section(10, vector(functions.map(({ body }) => [...unsigned(body.length), ...body]))),
  ];
  return Uint8Array.from([0, ...utf8("asm"), 1, 0, 0, 0, ...sections.flat()]);
};

const parse = (text: string): readonly Tree[] => {
  const stack: Tree[][] = [[]];
  for (const token of text.replaceAll(/;;.*/gu, "").match(/[()]|[^\s()]+/gu) ?? [])
    if (token === "(") stack.push([]);
    else if (token !== ")") stack.at(-1)!.push(token);
    else {
      const closed = stack.pop()!;
      invariant(stack.length > 0, "a bracket closes what was opened");
      stack.at(-1)!.push(closed);
    }
  invariant(stack.length === 1, "every bracket is closed");
  return stack[0]!;
};

/** What each section holds of the memory. */
interface MemoryParts {
  readonly imports: readonly Bytes[];
  readonly own: readonly Bytes[];
  readonly exports: readonly Bytes[];
}

/** `(memory (export "name") least most)`, or `(memory (import "module" "name") least most [shared])` */
const memoryParts = (tree: Tree): MemoryParts => {
  const [head, place, least, most, shared] = listOf(tree);
  invariant(head === "memory", "a memory comes first");
  const limits = [shared === "shared" ? 3 : 1, ...unsigned(Number(least)), ...unsigned(Number(most))];
  const [direction, ...names] = listOf(place);
  const name = names.flatMap((each) => nameBytes(unquoted(each)));
  if (direction === "import") return { imports: [[...name, MEMORY, ...limits]], own: [], exports: [] };
  invariant(direction === "export", "a memory is exported or imported");
  return { imports: [], own: [limits], exports: [[...name, MEMORY, 0]] };
};

const MEMORY = 2;

interface FunctionParts {
  readonly name: string;
  readonly type: Bytes;
  readonly body: Bytes;
}

/** `(func (export "name") (param $a t)… (result t)… (local $b t)… expression…)` */
const functionParts = (tree: Tree): FunctionParts => {
  const [head, exported, ...rest] = listOf(tree);
  invariant(head === "func" && listOf(exported)[0] === "export", "a function has an export");
  const declared = (kind: string) => rest.map(listOf).filter(([first]) => first === kind);
  const [params, results, locals] = [declared("param"), declared("result"), declared("local")];
  const types = (declarations: readonly (readonly Tree[])[]) =>
    vector(declarations.map((declaration) => [valueType(declaration.at(-1))]));
  const scope: Scope = { locals: [...params, ...locals].map(([, name]) => atomOf(name)), labels: [] };
  const body = [...vector(locals.map(([, , type]) => [1, valueType(type)]))];
  for (const expression of rest.slice(params.length + results.length + locals.length))
    encode(expression, scope, body);
  body.push(END);
  return { name: unquoted(listOf(exported)[1]), type: [0x60, ...types(params), ...types(results)], body };
};

const END = 0x0b;
const NO_RESULT = 0x40;
const LOOP = 0x03;

/** Appends an instruction to `body`, after its operands; words behind its name are immediates. */
const encode = (tree: Tree, scope: Scope, body: number[]): void => {
  const [head, ...rest] = listOf(tree);
  const name = atomOf(head);
  if (name === "loop") {
    const [label, ...inner] = rest;
    const inside = { ...scope, labels: [...scope.labels, atomOf(label)] };
    body.push(LOOP, NO_RESULT);
    for (const expression of inner) encode(expression, inside, body);
    body.push(END);
    return;
  }
  const immediates: string[] = [];
  for (const part of rest)
    if (typeof part === "string") immediates.push(part);
    else encode(part, scope, body);
  body.push(...instruction(name, immediates, scope));
};

type Immediates = readonly string[];

const instruction = (name: string, immediates: Immediates, scope: Scope): Bytes => {
  const known = INSTRUCTIONS[name];
  invariant(known !== undefined, `an instruction that is known: ${name}`);
  const [code, encodeImmediates] = known;
  const bytes = encodeImmediates(immediates, scope);
  return VECTOR.test(name) ? [0xfd, ...unsigned(code), ...bytes] : [code, ...bytes];
};

const none = (immediates: Immediates): Bytes => {
  invariant(immediates.length === 0, "an instruction without immediates");
  return [];
};
const local = ([name]: Immediates, { locals }: Scope): Bytes => unsigned(locals.indexOf(name!));
const label = ([name]: Immediates, { labels }: Scope): Bytes =>
  unsigned(labels.length - 1 - labels.lastIndexOf(name!));
const lanes = (immediates: Immediates): Bytes => immediates.map(Number);
const integer = ([value]: Immediates): Bytes => signed(Number(value));
const double = ([value]: Immediates): Bytes => [...new Uint8Array(Float64Array.of(Number(value)).buffer)];
/** `align` is the power of two that the specification calls natural; it is a hint. */
const memory =
  (align: number) =>
  ([offset = "offset=0"]: Immediates): Bytes => [align, ...unsigned(Number(offset.replace("offset=", "")))];

/** The lane is the last immediate. */
const laneOf =
  (place: (immediates: Immediates) => Bytes) =>
  (immediates: Immediates): Bytes => [...place(immediates.slice(0, -1)), Number(immediates.at(-1))];

const INSTRUCTIONS: Readonly<
  Record<string, readonly [number, (immediates: Immediates, scope: Scope) => Bytes]>
> = {
  br_if: [0x0d, label],
  select: [0x1b, none],
  "local.get": [0x20, local],
  "local.set": [0x21, local],
  "f32.load": [0x2a, memory(2)],
  "f32.store": [0x38, memory(2)],
  "i32.const": [0x41, integer],
  "f64.const": [0x44, double],
  "i32.lt_u": [0x49, none],
  "i32.gt_s": [0x4a, none],
  "i32.add": [0x6a, none],
  "i32.sub": [0x6b, none],
  "i64.add": [0x7c, none],
  "f64.neg": [0x9a, none],
  "i32.wrap_i64": [0xa7, none],
  "v128.load": [0x00, memory(4)],
  "v128.load32_splat": [0x09, memory(2)],
  "v128.store": [0x0b, memory(4)],
  "i8x16.shuffle": [0x0d, lanes],
  "i32x4.splat": [0x11, none],
  "f64x2.splat": [0x14, none],
  "i64x2.extract_lane": [0x1d, lanes],
  "i32x4.ge_u": [0x40, none],
  "f64x2.ne": [0x48, none],
  "v128.any_true": [0x53, none],
  "v128.load32_lane": [0x56, laneOf(memory(2))],
  "v128.load64_zero": [0x5d, memory(3)],
  "f64x2.promote_low_f32x4": [0x5f, none],
  "f64x2.floor": [0x75, none],
  "i16x8.narrow_i32x4_s": [0x85, none],
  "i16x8.add": [0x8e, none],
  "i16x8.sub": [0x91, none],
  "i32x4.shl": [0xab, none],
  "i32x4.add": [0xae, none],
  "i32x4.sub": [0xb1, none],
  "i32x4.max_u": [0xb9, none],
  "i64x2.sub": [0xd1, none],
  "f32x4.add": [0xe4, none],
  "f32x4.mul": [0xe6, none],
  "f64x2.add": [0xf0, none],
  "f64x2.mul": [0xf2, none],
  "f64x2.pmin": [0xf6, none],
  "f64x2.pmax": [0xf7, none],
  "f64x2.convert_low_i32x4_u": [0xff, none],
};

/** These stand behind the prefix 0xfd. */
const VECTOR = /^(?:v128|[if][0-9]+x[0-9]+)\./u;

const VALUE_TYPES: Readonly<Record<string, number>> = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b };

const valueType = (tree: Tree | undefined): number => {
  const code = VALUE_TYPES[atomOf(tree)];
  invariant(code !== undefined, "a type that is known");
  return code;
};

const section = (id: number, content: Bytes): Bytes => [id, ...unsigned(content.length), ...content];
const vector = (items: readonly Bytes[]): Bytes => [...unsigned(items.length), ...items.flat()];
const nameBytes = (text: string): Bytes => [...unsigned(text.length), ...utf8(text)];

/** LEB128, least significant seven bits first. */
const unsigned = (value: number): Bytes => {
  invariant(Number.isInteger(value) && value >= 0 && value < 2 ** 31, "a number to encode");
  return value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))];
};

const signed = (value: number): Bytes => {
  invariant(Number.isInteger(value) && Math.abs(value) < 2 ** 31, "a signed number to encode");
  return value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)];
};

const listOf = (tree: Tree | undefined): readonly Tree[] => {
  invariant(tree !== undefined && typeof tree !== "string", "a bracket stands here");
  return tree;
};

const atomOf = (tree: Tree | undefined): string => {
  invariant(typeof tree === "string", "a word stands here");
  return tree;
};

const unquoted = (tree: Tree | undefined): string => atomOf(tree).replaceAll('"', "");
