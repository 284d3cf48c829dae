/**
 * Writes a config file for a person to edit: every key that the schema knows, in its order, below its description.
 * Keys with a value are set, optional ones are there as comments with their default, required ones without a value
 * are left empty, so that loading names them.
 */
import { invariant, Secret } from "@bulkhead/base";
import { stringify } from "yaml";
import { z } from "zod";
import { bare, defaultOf, descriptionOf, fieldsOf, optionsOf } from "./config-schema.ts";

type Values = Readonly<Record<string, unknown>>;

export interface TemplateOptions {
  /** What stands at the top of the file, as comments. */
  readonly title: string;
  /** What `init` knows already. */
  readonly values?: Values;
}

const LONGEST_LINE = 100;

export const renderConfigTemplate = (schema: z.ZodType, { title, values = {} }: TemplateOptions): string => {
  const object = bare(schema);
  invariant(object instanceof z.ZodObject, "a config is an object");
  const blocks = fieldsOf(object).map(([key, field]) => renderField(key, field, values[key]).join("\n"));
  return `${[comment(title).join("\n"), ...blocks].join("\n\n")}\n`;
};

const renderField = (key: string, schema: z.ZodType, value: unknown): readonly string[] => {
  const isSet = value !== undefined;
  const isOptional = schema.safeParse(undefined).success;
  const lines = renderValue(key, bare(schema), isSet ? value : defaultOf(schema));
  const head = comment(headOf(schema, isSet || !isOptional));
  return isSet || !isOptional ? [...head, ...lines] : [...head, ...lines.map((line) => `# ${line}`)];
};

const headOf = (schema: z.ZodType, isActive: boolean): string => {
  const type = bare(schema);
  const notes: string[] = [];
  if (type instanceof z.ZodEnum) notes.push(`one of ${type.options.join(", ")}`);
  if (type instanceof z.ZodUnion) notes.push(...variantNote(type));
  const usual = defaultOf(schema);
  if (isActive && usual !== undefined && typeof usual !== "object")
    notes.push(`usually ${JSON.stringify(usual)}`);
  if (!isActive && usual === undefined) notes.push("optional");
  const meaning = descriptionOf(schema) ?? "";
  return notes.length === 0 ? meaning : `${meaning} (${notes.join("; ")})`.trim();
};

const renderValue = (key: string, type: z.ZodType, value: unknown): readonly string[] => {
  const object = type instanceof z.ZodUnion ? chosenOption(type, value) : type;
  if (object instanceof z.ZodObject) {
    const inner = isRecord(value) ? value : {};
    const fields = fieldsOf(object).flatMap(([name, field]) =>
      renderField(name, field, inner[name] ?? fixedValue(field)),
    );
    return [`${key}:`, ...fields.map((line) => `  ${line}`)];
  }
  if (value === undefined) return [`${key}:`];
  return stringify({ [key]: plain(value) })
    .trimEnd()
    .split("\n");
};

/** The variant that the value is of; the first where there is none. */
const chosenOption = (union: z.ZodUnion, value: unknown): z.ZodType | undefined => {
  const objects = optionsOf(union)
    .map(bare)
    .filter((option) => option instanceof z.ZodObject);
  return value === undefined ? objects[0] : objects.find((option) => option.safeParse(value).success);
};

const variantNote = (union: z.ZodUnion): readonly string[] => {
  if (!(union instanceof z.ZodDiscriminatedUnion)) return [];
  const tag = union.def.discriminator;
  const names = optionsOf(union).flatMap((option) => {
    const object = bare(option);
    const field =
      object instanceof z.ZodObject ? fieldsOf(object).find(([key]) => key === tag)?.[1] : undefined;
    return field === undefined ? [] : [String(fixedValue(field))];
  });
  return [`${tag} is one of ${names.join(", ")}`];
};

const fixedValue = (schema: z.ZodType): unknown => {
  const type = bare(schema);
  return type instanceof z.ZodLiteral ? type.value : undefined;
};

const plain = (value: unknown): unknown => {
  invariant(!(value instanceof Secret), "a secret is not written into a config");
  return value;
};

const isRecord = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Wrapped at words; an empty text has no line. */
const comment = (text: string): readonly string[] => {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "#";
    for (const word of paragraph.split(" ").filter((part) => part !== "")) {
      if (line.length > 1 && line.length + 1 + word.length > LONGEST_LINE) {
        lines.push(line);
        line = "#";
      }
      line += ` ${word}`;
    }
    if (line !== "#" || text !== "") lines.push(line);
  }
  return lines;
};
