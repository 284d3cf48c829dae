/**
 * Checks for values from outside: messages, files, pipes.
 *
 * A shape is the one place where a type is written down: {@link TypeOf} gives the static type, calling the shape
 * checks a value. Every list and byte string is bounded; an object may have no field that its shape does not name.
 */
export type Shape<T> = (value: unknown, path?: string) => T;

export type TypeOf<S> = S extends Shape<infer T> ? T : never;

/** Says which place of the value was wrong and what was expected there, and never what was there: it may be a secret. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
  readonly path: string;
  readonly expected: string;

  constructor(path: string, expected: string) {
    super(`${path === "" ? "value" : path}: expected ${expected}`);
    this.path = path;
    this.expected = expected;
  }
}

/** A shape from a type guard. */
export const shape =
  <T>(expected: string, matches: (value: unknown) => value is T): Shape<T> =>
  (value, path = "") => {
    if (!matches(value)) throw new ShapeError(path, expected);
    return value;
  };

/** Exactly `length` bytes. */
export const fixedBytes = (length: number): Shape<Uint8Array> =>
  shape(
    `${length} bytes`,
    (value): value is Uint8Array => value instanceof Uint8Array && value.length === length,
  );

/** At most `longest` bytes. */
export const boundedBytes = (longest: number): Shape<Uint8Array> =>
  shape(
    `at most ${longest} bytes`,
    (value): value is Uint8Array => value instanceof Uint8Array && value.length <= longest,
  );

/** Text of at most `longest` UTF-16 units. */
export const text = (longest: number): Shape<string> =>
  shape(
    `text of at most ${longest} characters`,
    (value): value is string => typeof value === "string" && value.length <= longest,
  );

export const textMatching = (pattern: RegExp, expected: string): Shape<string> =>
  shape(expected, (value): value is string => typeof value === "string" && pattern.test(value));

export const integer = (least: number, most: number): Shape<number> =>
  shape(
    `an integer from ${least} to ${most}`,
    (value): value is number =>
      typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most,
  );

export const finite = (least = -Number.MAX_VALUE, most = Number.MAX_VALUE): Shape<number> =>
  shape(
    `a finite number from ${least} to ${most}`,
    (value): value is number =>
      typeof value === "number" && Number.isFinite(value) && value >= least && value <= most,
  );

export const boolean: Shape<boolean> = shape(
  "true or false",
  (value): value is boolean => typeof value === "boolean",
);

export const literal = <const L extends string | number>(wanted: L): Shape<L> =>
  shape(JSON.stringify(wanted), (value): value is L => value === wanted);

export const oneOf = <const L extends string | number>(...wanted: readonly L[]): Shape<L> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `includes` only compares
  shape(`one of ${wanted.join(", ")}`, (value): value is L => wanted.includes(value as L));

export const optional =
  <T>(inner: Shape<T>): Shape<T | undefined> =>
  (value, path) =>
    value === undefined ? undefined : inner(value, path);

export const listOf =
  <T>(item: Shape<T>, longest: number, shortest = 0): Shape<readonly T[]> =>
  (value, path = "") => {
    if (!Array.isArray(value) || value.length > longest || value.length < shortest)
      throw new ShapeError(path, `a list of ${shortest} to ${longest}`);
    return Array.from(value, (element, i) => item(element, `${path}[${i}]`));
  };

type Fields = Readonly<Record<string, Shape<unknown>>>;
type OptionalKeys<F extends Fields> = { [K in keyof F]: undefined extends TypeOf<F[K]> ? K : never }[keyof F];
export type FromFields<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: TypeOf<F[K]>;
} & { readonly [K in OptionalKeys<F>]?: Exclude<TypeOf<F[K]>, undefined> };

/** An object with exactly these fields; a field it does not know is an error, an absent optional one stays absent. */
export const record =
  <F extends Fields>(fields: F): Shape<FromFields<F>> =>
  (value, path = "") => {
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array)
      throw new ShapeError(path, "an object");
    const source = new Map<string, unknown>(Object.entries(value));
    const at = (key: string) => (path === "" ? key : `${path}.${key}`);
    for (const key of source.keys())
      if (!Object.hasOwn(fields, key)) throw new ShapeError(at(printableKey(key)), "no such field");
    const checked = Object.entries(fields).map(
      ([key, field]) => [key, field(source.get(key), at(key))] as const,
    );
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built from `fields`, key by key
    return Object.fromEntries(checked.filter(([, field]) => field !== undefined)) as FromFields<F>;
  };

/** A name that a stranger chose goes into logs and onto terminals only if it is a name. */
const printableKey = (key: string): string => (/^[\w-]{1,40}$/u.test(key) ? key : "(unprintable)");

/** One of several records, told apart by their `type`. */
export const variant =
  <V extends Readonly<Record<string, Fields>>>(
    variants: V,
  ): Shape<{ [T in keyof V & string]: { readonly type: T } & FromFields<V[T]> }[keyof V & string]> =>
  (value, path = "") => {
    const tag = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
    const fields = typeof tag === "string" && Object.hasOwn(variants, tag) ? variants[tag] : undefined;
    if (fields === undefined) throw new ShapeError(path, `one of ${Object.keys(variants).join(", ")}`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `tag` was looked up in `variants`
    return record({ type: literal(tag as string), ...fields })(value, path) as never;
  };
