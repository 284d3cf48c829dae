"""Small random models of every family in `transformers` and `peft`: logits, and gradients of adapters.

python model_vectors.py OUT.json    writes what test/vectors/small-models.json holds
python model_vectors.py --adapters FOLDER    prints the logits of each case with the adapter in FOLDER/<case>
python model_vectors.py --folders FOLDER     prints the logits of the model in each FOLDER/<case>

Weights come from mulberry32, in the order of their sorted names, so that the file need not hold them.
"""

import json
import sys

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model

torch.set_num_threads(1)

SHAPE = dict(vocab_size=24, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=20)
LLAMA = dict(SHAPE, num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, tie_word_embeddings=True)
ROPE3 = dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
             original_max_position_embeddings=16)

# name: model class, configuration, projections with adapters
CASES = {
    "llama": ("LlamaForCausalLM", "LlamaConfig", LLAMA, "all-linear"),
    "llama-stretched": ("LlamaForCausalLM", "LlamaConfig",
                        dict(LLAMA, tie_word_embeddings=False, attention_bias=True, mlp_bias=True, rope_parameters=ROPE3),
                        ["q_proj", "v_proj"]),
    "llama-linear": ("LlamaForCausalLM", "LlamaConfig",
                     dict(LLAMA, rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=2.0)),
                     ["k_proj", "o_proj"]),
    "mistral": ("MistralForCausalLM", "MistralConfig", dict(LLAMA, tie_word_embeddings=False, sliding_window=3),
                ["q_proj", "k_proj", "v_proj"]),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", LLAMA, ["q_proj", "gate_proj", "down_proj"]),
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", dict(LLAMA, head_dim=8), ["q_proj", "k_proj", "up_proj"]),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config",
             dict(vocab_size=24, n_embd=16, n_layer=2, n_head=4, n_positions=32, n_inner=None), ["c_attn", "c_proj", "c_fc"]),
    "bert": ("BertModel", "BertConfig", dict(SHAPE, max_position_embeddings=32), ["query", "value"]),
    "roberta": ("RobertaModel", "RobertaConfig", dict(SHAPE, max_position_embeddings=34, type_vocab_size=1),
                ["key", "intermediate.dense"]),
}

ROWS = [[5, 9, 3, 17, 22, 4, 11, 8], [7, 20, 13, 2, 16]]
FIRST_TARGET = 3


def mulberry32(seed):
    """Numbers in -0.5...0.5, as test/finetune/tiny-model.ts draws them."""
    state = seed
    mask = 0xFFFFFFFF

    def draw():
        nonlocal state
        state = (state + 0x6D2B79F5) & mask
        mixed = ((state ^ (state >> 15)) * (1 | state)) & mask
        mixed = ((mixed + (((mixed ^ (mixed >> 7)) * (61 | mixed)) & mask)) & mask) ^ mixed
        return ((mixed ^ (mixed >> 14)) & mask) / 2**32 - 0.5

    return draw


def fill(parameters, seed):
    draw = mulberry32(seed)
    with torch.no_grad():
        for name, parameter in sorted(parameters, key=lambda each: each[0]):
            is_norm = parameter.dim() == 1 and name.endswith("weight")
            values = [1 + draw() if is_norm else 0.8 * draw() for _ in range(parameter.numel())]
            parameter.copy_(torch.tensor(values, dtype=torch.float64).float().reshape(parameter.shape))


def make(case):
    model_class, config_class, fields, _ = CASES[case]
    extra = {} if "ForCausalLM" in model_class or "LMHead" in model_class else {"add_pooling_layer": False}
    config = getattr(transformers, config_class)(**fields, attn_implementation="eager")
    for name in [key for key in config.to_dict() if "dropout" in key or key.endswith("pdrop")]:
        if getattr(config, name) is not None:
            setattr(config, name, 0.0)
    model = getattr(transformers, model_class)(config, **extra).eval()
    fill(list(model.named_parameters()), 1)
    return model


def batch(model):
    longest = max(map(len, ROWS))
    pad = 1 if model.config.model_type == "roberta" else 0
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row in ROWS])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ROWS])
    return dict(input_ids=ids, attention_mask=mask)


def outputs(model, inputs):
    """Logits or hidden states of the tokens that are no padding."""
    result = model(**inputs)
    values = result.logits if hasattr(result, "logits") else result.last_hidden_state
    return [values[i, : len(row)] for i, row in enumerate(ROWS)]


def loss_of(values, is_decoder):
    """The sum over the answers; or of the outputs times fixed numbers."""
    if is_decoder:
        return sum(
            torch.nn.functional.cross_entropy(rows[FIRST_TARGET - 1 : -1], torch.tensor(ROWS[i][FIRST_TARGET:]), reduction="sum")
            for i, rows in enumerate(values))
    draw = mulberry32(3)
    return sum((rows * torch.tensor([draw() for _ in range(rows.numel())]).reshape(rows.shape)).sum() for rows in values)


def rounded(tensor):
    return [float(f"{value:.6g}") for value in tensor.detach().flatten().tolist()]


def vector(case):
    model = make(case)
    config = {key: value for key, value in model.config.to_dict().items() if key not in ("id2label", "label2id")}
    shapes = {name: list(parameter.shape) for name, parameter in model.named_parameters()}
    inputs = batch(model)
    plain = [rounded(rows) for rows in outputs(model, inputs)]
    is_decoder = hasattr(model, "lm_head")
    lora = LoraConfig(r=2, lora_alpha=3, target_modules=CASES[case][3], use_rslora=case == "qwen2",
                      task_type="CAUSAL_LM" if is_decoder else "FEATURE_EXTRACTION")
    adapted = get_peft_model(model, lora)
    factors = [(name.replace(".default", ""), each) for name, each in adapted.named_parameters() if "lora_" in name]
    fill(factors, 2)
    values = outputs(adapted, inputs)
    loss = loss_of(values, is_decoder)
    loss.backward()
    saved = adapted.peft_config["default"].to_dict()
    return {
        "config": config,
        "shapes": shapes,
        "plain": plain,
        "adapterConfig": {key: sorted(value) if isinstance(value, set) else value for key, value in saved.items()},
        "adapterShapes": {name: list(each.shape) for name, each in factors},
        "adapted": [rounded(rows) for rows in values],
        "loss": float(loss),
        "gradients": {name: rounded(each.grad) for name, each in factors},
    }


def main():
    if sys.argv[1] == "--adapters":
        result = {}
        for case in CASES:
            model = make(case)
            adapted = PeftModel.from_pretrained(model, f"{sys.argv[2]}/{case}").eval()
            result[case] = [rounded(rows) for rows in outputs(adapted, batch(model))]
        print(json.dumps(result))
        return
    if sys.argv[1] == "--folders":
        result = {}
        for case in CASES:
            model_class = getattr(transformers, CASES[case][0])
            model = model_class.from_pretrained(f"{sys.argv[2]}/{case}", attn_implementation="eager").eval()
            result[case] = [rounded(rows) for rows in outputs(model, batch(model))]
        print(json.dumps(result))
        return
    made = {"rows": ROWS, "firstTarget": FIRST_TARGET, "cases": {case: vector(case) for case in CASES}}
    with open(sys.argv[1], "w", encoding="utf8") as file:
        json.dump(made, file, default=str, sort_keys=True)
        file.write("\n")


main()
