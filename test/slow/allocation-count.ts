/** Counts what is allocated for bytes in large pieces by JavaScript of this process: typed arrays and Node's buffers. */

export interface AllocationCount {
  /** Of all pieces of at least `least` bytes, so far. */
  readonly bytes: () => number;
  readonly stop: () => void;
}

const ARRAYS = [
  "Uint8Array",
  "Uint16Array",
  "Uint32Array",
  "Int16Array",
  "Int32Array",
  "Float32Array",
  "Float64Array",
  "ArrayBuffer",
  "SharedArrayBuffer",
] as const;
const BUFFERS = ["alloc", "allocUnsafe", "allocUnsafeSlow", "concat", "from"] as const;
const COPIES = ["slice", "map", "filter", "toSorted"] as const;

type AnyFunction = (...given: unknown[]) => unknown;

export const countAllocations = (least: number): AllocationCount => {
  let bytes = 0;
  const undo: (() => void)[] = [];
  const note = (made: unknown): void => {
    const length = typeof made === "object" && made !== null ? Reflect.get(made, "byteLength") : 0;
    if (typeof length === "number" && length >= least) bytes += length;
  };
  const replace = (holder: object, name: string, by: unknown): void => {
    const before = Object.getOwnPropertyDescriptor(holder, name);
    Object.defineProperty(holder, name, { value: by, writable: true, configurable: true });
    undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(holder, name);
      else Object.defineProperty(holder, name, before);
    });
  };
  /** What comes back is new memory. */
  const counted = (holder: object, name: string): void => {
    const original: unknown = Reflect.get(holder, name);
    if (typeof original !== "function") return;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked above
    const call = original as AnyFunction;
    replace(holder, name, function (this: unknown, ...given: unknown[]) {
      const made = call.apply(this, given);
      note(made);
      return made;
    });
  };
  for (const name of ARRAYS) {
    const original = globalThis[name];
    counted(original.prototype, "slice");
    const byNew = (target: typeof original, given: unknown[], by: unknown): object => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `new` was called with it
      const made: object = Reflect.construct(target, given, by === proxy ? target : (by as typeof original));
      // A view of memory that was there is none.
      const isView = given[0] instanceof ArrayBuffer || given[0] instanceof SharedArrayBuffer;
      if (!isView) note(made);
      return made;
    };
    const proxy = new Proxy(original, { construct: byNew });
    if ("from" in original) counted(original, "from");
    replace(globalThis, name, proxy);
  }
  const typed: unknown = Object.getPrototypeOf(Uint8Array.prototype);
  if (typeof typed === "object" && typed !== null) for (const name of COPIES) counted(typed, name);
  for (const name of BUFFERS) counted(Buffer, name);
  return {
    bytes: () => bytes,
    stop: () => {
      for (const back of undo.toReversed()) back();
    },
  };
};
