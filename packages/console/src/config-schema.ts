/** What a config's schema says about a place in the file: which keys it knows, what they mean, what is secret. */
import { invariant, Secret, utf8 } from "@bulkhead/base";
import { z } from "zod";

export { z };

export type Path = readonly PropertyKey[];

/** A text whose value is never shown anywhere; what is read becomes a {@link Secret}. */
export const secretText = () =>
  z
    .string()
    .min(1)
    .transform((text) => new Secret(utf8(text)));

/** The schema inside defaults, optionals and their like. */
export const bare = (schema: z.ZodType): z.ZodType => {
  const inner = innerOf(schema);
  return inner === undefined ? schema : bare(inner);
};

const innerOf = (schema: z.ZodType): z.ZodType | undefined => {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  )
    return known(schema.def.innerType);
  if (schema instanceof z.ZodPipe) return known(schema.def.in);
  return undefined;
};

/** Schemas are made of schemas; only their static type is wider. */
const known = (schema: unknown): z.ZodType => {
  invariant(schema instanceof z.ZodType, "a schema is made of schemas");
  return schema;
};

/** The description given to the schema or to one inside it. */
export const descriptionOf = (schema: z.ZodType): string | undefined => {
  if (schema.description !== undefined) return schema.description;
  const inner = innerOf(schema);
  return inner === undefined ? undefined : descriptionOf(inner);
};

/** The default given to the schema or to one inside it; `undefined` where there is none. */
export const defaultOf = (schema: z.ZodType): unknown => {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return schema.def.defaultValue;
  const inner = innerOf(schema);
  return inner === undefined ? undefined : defaultOf(inner);
};

export const fieldsOf = (object: z.ZodObject): readonly (readonly [string, z.ZodType])[] =>
  Object.entries(object.def.shape).map(([key, schema]) => [key, known(schema)] as const);

export const optionsOf = (union: z.ZodUnion): readonly z.ZodType[] => union.def.options.map(known);

/** All schemas that may apply at `path`: more than one below a union. */
export const schemasAt = (schema: z.ZodType, path: Path): readonly z.ZodType[] => {
  const outer = bare(schema);
  if (outer instanceof z.ZodUnion) return optionsOf(outer).flatMap((option) => schemasAt(option, path));
  const [key, ...rest] = path;
  if (key === undefined) return [schema];
  return childrenOf(outer, key).flatMap((child) => schemasAt(child, rest));
};

const childrenOf = (schema: z.ZodType, key: PropertyKey): readonly z.ZodType[] => {
  if (schema instanceof z.ZodObject)
    return fieldsOf(schema).flatMap(([name, field]) => (name === key ? [field] : []));
  if (schema instanceof z.ZodArray) return [known(schema.def.element)];
  if (schema instanceof z.ZodRecord) return [known(schema.def.valueType)];
  return [];
};

/** The keys that the objects at `path` know. */
export const keysAt = (schema: z.ZodType, path: Path): readonly string[] => {
  const objects = schemasAt(schema, path).map(bare);
  const keys = objects.flatMap((object) =>
    object instanceof z.ZodObject ? fieldsOf(object).map(([key]) => key) : [],
  );
  return [...new Set(keys)];
};

/** A schema that lets unknown keys pass would let a misspelt one pass: a bug of whoever wrote the schema. */
export const expectStrict = (schema: z.ZodType, at = "config"): void => {
  const outer = bare(schema);
  if (outer instanceof z.ZodObject) {
    invariant(outer.def.catchall instanceof z.ZodNever, `${at} is declared with z.strictObject`);
    for (const [key, field] of fieldsOf(outer)) expectStrict(field, `${at}.${key}`);
  } else if (outer instanceof z.ZodUnion) for (const option of optionsOf(outer)) expectStrict(option, at);
  else if (outer instanceof z.ZodArray) expectStrict(known(outer.def.element), `${at}[]`);
  else if (outer instanceof z.ZodRecord) expectStrict(known(outer.def.valueType), `${at}.*`);
};
