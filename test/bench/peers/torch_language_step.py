"""A LoRA step of SmolLM2-135M in PyTorch, the work of test/bench/language-work.ts; prints one line of JSON.

python torch_language_step.py MODEL_FOLDER THREADS STEPS
"""
import json
import sys
import time

import peft
import torch
import transformers

ROWS, TOKENS = 2, 128

folder, threads, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(1)

base = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
lora = peft.LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
model = peft.get_peft_model(base, lora)
model.config.use_cache = False
optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
ids = torch.tensor([[1000 + (row * 7919 + i * 104_729) % 40_000 for i in range(TOKENS)] for row in range(ROWS)])
mask = torch.ones_like(ids)


def step():
    optimiser.zero_grad(set_to_none=True)
    loss = model(input_ids=ids, attention_mask=mask, labels=ids).loss
    loss.backward()
    optimiser.step()
    return loss.item()


for _ in range(2):
    step()
samples = []
for _ in range(steps):
    cpu, wall = time.process_time(), time.perf_counter()
    step()
    samples.append({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall})
print(json.dumps({
    "version": f"PyTorch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}",
    "samples": samples,
}))
