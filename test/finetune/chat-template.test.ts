import { type ChatMessage, openChatTemplate } from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { CHAT_CASES } from "../vectors/chat-cases.ts";

const { templates, conversations, cases, tokens } = CHAT_CASES;
const open = (template: string) => openChatTemplate({ place: "model", template, tokens });
const hi: readonly ChatMessage[] = [{ role: "user", content: "Hi" }];
const rendered = (template: string, now?: Date) =>
  open(template).renderChat(hi, { addGenerationPrompt: false, ...(now === undefined ? {} : { now }) });

test.each(cases)(
  "renders as transformers does: $template, conversation $conversation, prompt $prompt",
  ({ template, conversation, prompt, text }) => {
    const render = () =>
      open(templates[template]!).renderChat(conversations[conversation]!, { addGenerationPrompt: prompt });
    if (typeof text === "string") expect(render()).toBe(text);
    else expect(render).toThrow(expect.objectContaining({ problem: expect.stringContaining(text.refused) }));
  },
);

test("the date is given, in UTC and the C locale, or asking for it is refused", () => {
  const now = new Date("2026-03-04T05:06:07Z");
  const format = "%Y-%y-%m-%d %b %B %a %A %H:%M:%S %%";
  expect(rendered(`{{ strftime_now('${format}') }}`, now)).toBe(
    "2026-26-03-04 Mar March Wed Wednesday 05:06:07 %",
  );
  expect(() => rendered("{{ strftime_now('%d') }}")).toThrow("it asks for today's date");
  expect(() => rendered("{{ strftime_now('%s') }}", now)).toThrow("strftime does not know %s");
});

const hostile: readonly (readonly [what: string, template: string])[] = [
  [
    "a loop in a loop in a loop",
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{{ c }}{% endfor %}{% endfor %}{% endfor %}",
  ],
  [
    "a text that doubles",
    "{% set n = namespace(x='aa') %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
  ],
  [
    "a list that doubles",
    "{% set n = namespace(x=[1]) %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
  ],
  ["an enormous range", "{{ range(10000000000) }}"],
  ["an endless range", "{{ range(0, 1, 0) }}"],
  ["an endless macro", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"],
  ["a constructor", "{{ messages.constructor.constructor('return process')() }}"],
  ["a prototype", "{{ messages.__proto__.x() }}"],
  ["a global", "{{ process.exit() }}"],
  ["a subclass walk", "{{ ''.__class__.__mro__[1].__subclasses__() }}"],
  ["an import", "{% import 'os' as os %}"],
  ["an include", "{% include '/etc/passwd' %}"],
  ["an open block", "{% for a in messages %}"],
  ["an unknown filter", "{{ messages | shell }}"],
  ["more than a template's length", "x".repeat(300_000)],
];

test.each(hostile)("a hostile template is refused, with its place: %s", (_, template) => {
  expect(() => rendered(template)).toThrow(
    expect.objectContaining({ name: "InputError", code: "chat-template", place: "model" }),
  );
});

test("what a template says reaches a terminal as one short line", () => {
  const shout = "{{ raise_exception('\u001b[31m' ~ 'a\\nb' ~ messages[0].content * 1 ~ 'x') }}";
  const long = `{{ raise_exception('\\u001b[31mred\n${"x".repeat(5000)}') }}`;
  for (const template of [shout, long])
    try {
      rendered(template);
      expect.unreachable();
    } catch (error) {
      expect(String(error)).toMatch(/^[\P{C}]{1,500}$/u);
    }
});
