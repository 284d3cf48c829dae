"""Makes test/vectors/chat-cases.json: what Python's transformers makes of conversations by chat templates of the forms in use.

    python -m venv .venv && .venv/bin/pip install transformers==5.24.0 jinja2==3.1.6
    .venv/bin/python test/interop/chat_vectors.py test/vectors
    npx oxfmt test/vectors
"""
import json
import sys

from transformers.utils.chat_template_utils import render_jinja_template

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
TEMPLATES = {
    "smollm2": "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "llama-3": "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "llama-3.1": """{{- bos_token }}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\nToday Date: " + date_string + "\n\n" + system_message + "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
""",
    "qwen2.5": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- for tool in tools %}{{- tool | tojson }}{%- endfor %}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}{{- message.content }}{{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "alternating": "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token }}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}",
    "blocks": "{% macro turn(role, text) -%}\n  <{{ role | upper }}>{{ text | replace('a', 'A') }}\n{%- endmacro %}\n{% set ns = namespace(count=0) %}\n  {% for m in messages if m.role != 'system' %}\n    {% set ns.count = ns.count + (m.content.split(' ') | length) %}\n{{ turn(m.role, m.content) }}{{ '' if loop.last else ';' }}\n  {% endfor %}\n{{ ns.count }}|{{ messages[-1].content[:3] }}|{{ missing }}|{{ messages | length }}|{% for i in range(2, 8, 3) %}{{ i }}{% endfor %}\n",
}
CONVERSATIONS = [
    [("user", "Hi")],
    [("user", "Hi"), ("assistant", "Hello!"), ("user", "Sum 1+1?"), ("assistant", "2")],
    [("system", "Be brief."), ("user", "  spaced \n"), ("assistant", "\tok\n\n")],
    [("user", "\u4f60\u597d <|im_end|> {{ 7 * 7 }} {% if %}"), ("assistant", "caf\u00e9 \U0001f600 'q' \"d\" \\n")],
    [("system", "S"), ("user", "a"), ("tool", "{\"x\": 1}"), ("tool", "two"), ("assistant", "done")],
    [("assistant", "first")],
]


def rendered(template, conversation, prompt):
    messages = [{"role": role, "content": content} for role, content in conversation]
    try:
        texts, _ = render_jinja_template([messages], chat_template=template, add_generation_prompt=prompt, **TOKENS)
        return texts[0]
    except Exception as error:
        return {"refused": str(error)}


cases = [
    {"template": name, "conversation": i, "prompt": prompt, "text": rendered(template, conversation, prompt)}
    for name, template in TEMPLATES.items() for i, conversation in enumerate(CONVERSATIONS) for prompt in (False, True)
]
with open(f"{sys.argv[1]}/chat-cases.json", "w", encoding="ascii") as file:
    conversations = [[{"role": role, "content": content} for role, content in each] for each in CONVERSATIONS]
    json.dump({"made_by": "test/interop/chat_vectors.py", "tokens": TOKENS, "templates": TEMPLATES, "conversations": conversations, "cases": cases}, file, indent=1)
    file.write("\n")
