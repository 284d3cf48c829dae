"""A LoRA step of all-MiniLM-L6-v2 in PyTorch, the work of test/bench/encoder-work.ts; prints one line of JSON.

python torch_step.py MODEL_FOLDER THREADS STEPS
"""
import json
import sys
import time

import peft
import torch
import transformers

BATCH, TOKENS, CLASSES, LOGIT_SCALE = 16, 64, 2, 10.0

folder, threads, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(1)

encoder = transformers.AutoModel.from_pretrained(
    folder, dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
lora = peft.LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=["query", "value"])
model = peft.get_peft_model(encoder, lora)
head = torch.nn.Parameter(torch.randn(CLASSES, encoder.config.hidden_size) / 50)
trained = [p for p in model.parameters() if p.requires_grad] + [head]
optimiser = torch.optim.Adam(trained, lr=1e-3, betas=(0.9, 0.99), eps=1e-8)
ids = torch.randint(1000, 2000, (BATCH, TOKENS))
mask = torch.ones_like(ids)
labels = torch.arange(BATCH) % CLASSES


def step():
    optimiser.zero_grad(set_to_none=True)
    hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    direction = torch.nn.functional.normalize(hidden.mean(1), dim=1)
    loss = torch.nn.functional.cross_entropy(LOGIT_SCALE * direction @ head.T, labels)
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
