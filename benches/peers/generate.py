"""Tokens a second of greedy decoding with a random GPT-2 in transformers, with its cache.

    python generate.py [ignored] [float32|bfloat16] [PROMPT] [NEW]

Needs torch and transformers. Runs on 2 threads, or OMP_NUM_THREADS.
"""

import os
import sys
import time

import torch
from transformers import GPT2Config, GPT2LMHeadModel

arguments = sys.argv[1:] + ["cpu", "float32", "32", "128"][len(sys.argv) - 1 :]
dtype, prompt, new = getattr(torch, arguments[1]), int(arguments[2]), int(arguments[3])
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 2)))
torch.manual_seed(1)
model = GPT2LMHeadModel(GPT2Config()).to(dtype).eval()
ids = torch.tensor([[101 + 37 * i for i in range(prompt)]])


def seconds(tokens):
    start = time.perf_counter()
    model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=tokens,
        min_new_tokens=tokens,
        pad_token_id=0,
    )
    return time.perf_counter() - start


seconds(8)
first, whole = seconds(1), seconds(new)
rate = (new - 1) / (whole - first)
print(f"torch {arguments[1]}: {rate:.1f} tokens/s, {1e3 * first:.1f} ms to the first of {prompt} prompt tokens")
