/**
 * Chat templates: the provider's Jinja, with the variables and functions that Python's `transformers` gives it and nothing
 * else; text is counted in UTF-16 units, though. A template may be hostile: its work is counted and bounded, so that every site
 * stops it at the same place.
 */
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { InputError } from "@bulkhead/base";
import { strftime } from "./strftime.ts";

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface RenderOptions {
  /** Whether the text ends where the assistant would begin to answer. */
  readonly addGenerationPrompt: boolean;
  /** What `strftime_now` gives, in UTC. Without it a template that asks for the date is refused: sites must train on equal texts. */
  readonly now?: Date;
}

export interface ChatTemplateSource {
  /** Names the template in errors. */
  readonly place: string;
  readonly template: string;
  /** How `bos_token`, `eos_token`, `pad_token` and `unk_token` are written; those that the model has. */
  readonly tokens: Readonly<Record<string, string>>;
}

export interface ChatTemplate {
  readonly source: ChatTemplateSource;
  /** Throws an {@link InputError} where the template refuses the messages, fails, or works without end. */
  readonly renderChat: (messages: readonly ChatMessage[], options: RenderOptions) => string;
}

const LONGEST_TEMPLATE = 1 << 18;
const LONGEST_RANGE = 1 << 16;
/** Steps of a template, of a few microseconds each; a long text or list counts as many. Templates in use take some hundred a message. */
const WORK = { least: 1 << 17, perMessage: 1 << 10, perCharacter: 1, charactersAStep: 64 } as const;

/** Throws an {@link InputError} where the template is too long or is not Jinja. */
export const openChatTemplate = (source: ChatTemplateSource): ChatTemplate => {
  const program = guarded(source.place, "is no template that we can read", () => {
    if (source.template.length > LONGEST_TEMPLATE)
      throw new Error(`it is longer than ${LONGEST_TEMPLATE} characters`);
    return parse(tokenize(source.template, { lstrip_blocks: true, trim_blocks: true }));
  });
  return {
    source,
    renderChat: (messages, options) =>
      guarded(source.place, "does not render these messages", () =>
        render(source, program, messages, options),
      ),
  };
};

const render = (
  { template, tokens }: ChatTemplateSource,
  program: Program,
  messages: readonly ChatMessage[],
  options: RenderOptions,
): string => {
  const environment = new Environment();
  const names = { ...CONSTANTS, ...tokens, ...functions(options.now), ...inputs(messages, options) };
  for (const [name, value] of Object.entries(names)) environment.set(name, value);
  const characters = messages.reduce((sum, { content }) => sum + content.length, template.length);
  const work = WORK.least + WORK.perMessage * messages.length + WORK.perCharacter * characters;
  const result = bounded(new Interpreter(environment), work).run(program);
  if (typeof result.value !== "string") throw new Error("it gives no text");
  return result.value;
};

const CONSTANTS = { true: true, false: false, none: null, True: true, False: false, None: null };

const inputs = (messages: readonly ChatMessage[], { addGenerationPrompt }: RenderOptions) => ({
  messages: messages.map((message) => ({ ...message })),
  tools: null,
  documents: null,
  add_generation_prompt: addGenerationPrompt,
});

const functions = (now: Date | undefined) => ({
  raise_exception: (message: unknown) => {
    throw new Error(String(message));
  },
  strftime_now: (format: unknown) => {
    if (now === undefined) throw new Error("it asks for today's date, and none was given");
    return strftime(now, String(format));
  },
  range: (from: number, to?: number, step = 1): number[] => {
    const [start, end] = to === undefined ? [0, from] : [from, to];
    const length = Math.max(0, Math.ceil((end - start) / step));
    if (!(length <= LONGEST_RANGE)) throw new Error(`it asks for a range of more than ${LONGEST_RANGE}`);
    return Array.from({ length }, (_, i) => start + i * step);
  },
});

/** The library's declarations do not resolve under `nodenext`; this is what of them is used here. */
interface RuntimeValue {
  readonly value: unknown;
}
type Program = object;
interface BuiltInterpreter {
  evaluate: (statement: unknown, environment: unknown) => RuntimeValue;
  readonly run: (program: Program) => RuntimeValue;
}

/** Every statement and expression goes through `evaluate`. */
const bounded = (interpreter: BuiltInterpreter, work: number): BuiltInterpreter => {
  const { evaluate } = interpreter;
  let left = work;
  interpreter.evaluate = (statement, environment) => {
    const result = evaluate.call(interpreter, statement, environment);
    left -= 1 + sizeOf(result.value);
    if (left < 0) throw new Error("it works without end");
    return result;
  };
  return interpreter;
};

const sizeOf = (value: unknown): number => {
  if (typeof value === "string") return Math.floor(value.length / WORK.charactersAStep);
  if (Array.isArray(value)) return value.length;
  return value instanceof Map ? value.size : 0;
};

const LONGEST_REASON = 200;

const guarded = <T>(place: string, problem: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError({
      code: "chat-template",
      place,
      problem: `the chat template ${problem}: ${printable(reason).slice(0, LONGEST_REASON)}`,
      cure: "give messages of the form that the model's card shows, or a chat template of your own",
    });
  }
};

/** A template's words go into logs and onto terminals. */
const printable = (text: string): string => text.replaceAll(/[\p{C}\s]+/gu, " ");
