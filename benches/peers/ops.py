"""Single operations: ours on Flex and LibTorch beside PyTorch's, as a Markdown table.

python benches/peers/ops.py [--libtorch] [--dtype bf16] [--threads 2] [--clock wall|processor]
    [--rounds 3] [--only PATTERN]
(needs torch; with --libtorch an environment in which rec-models builds with that feature)

Runs `benches/ops.rs` as another process and takes turns with it, case by case and round by round,
so that both meet the same load. `wall` is the least time of a call over all rounds; `processor` the
least of the rounds' mean processor time, summed over threads: steadier on a busy machine, but
threads that wait by spinning count.
"""

import argparse
import os
import re
import subprocess
import time

import torch
import torch.nn.functional as F

BUDGET = 0.3
WIDTHS = [(64, 64), (384, 384), (384, 1152), (384, 1536), (1536, 384), (768, 768), (768, 3072), (3072, 768)]


def cases():
    """`(operation, sizes, pass)` of each row."""
    for d_in, d_out in WIDTHS:
        for tokens in (32, 128, 512, 2048, 4096):
            yield "linear", (tokens, d_in, d_out), "forward"
        yield "linear", (2048, d_in, d_out), "training"
    for kind in ("forward", "training"):
        yield "linear-gelu", (2048, 384, 1536), kind
        yield "linear-gelu", (2048, 768, 3072), kind
        for name in ("layer-norm-residual", "rms-norm"):
            for sizes in ((2048, 384), (2048, 768), (25600, 64)):
                yield name, sizes, kind


    for kind in ("forward", "training"):
        for sizes in ((96, 12, 32), (96, 12, 64)):
            yield "attention", sizes, kind
        yield "attention-causal", (96, 12, 64), kind
        yield "attention-long", (1, 2048, 8, 128), kind
        for sizes in ((1000, 3417, 64), (25600, 3417, 64), (1000, 21128, 384), (4000, 30522, 384)):
            yield "cross-entropy", sizes, kind
        yield "embedding", (25600, 3417, 64), kind
        yield "embedding", (2048, 30522, 384), kind
    yield "attention-decode", (1, 1024, 8, 128), "forward"
    yield "attention-decode", (16, 256, 12, 64), "forward"
    for millions in (10, 20):
        yield "adamw", (millions,), "step"
    yield "adamw-table", (2000, 200000, 64), "step"


def attention(name, sizes):
    """As transformers has it: texts padded to the longest, or queries and keys of one length."""
    if name in ("attention", "attention-causal"):
        texts, heads, head_dim = sizes
        lengths = torch.tensor([5 + i * 7919 % 116 for i in range(texts)])
        longest = int(lengths.max())
        seen = (torch.arange(longest) < lengths[:, None])[:, None, None]
        if name == "attention-causal":
            seen = seen & torch.ones(longest, longest, dtype=torch.bool).tril()

        def padded(x):
            q, k, v = x.view(texts, longest, 3, heads, head_dim).permute(2, 0, 3, 1, 4)
            return F.scaled_dot_product_attention(q, k, v, attn_mask=seen)

        return [(texts, longest, 3 * heads * head_dim)], padded
    sequences, length, heads, head_dim = sizes
    queries = 1 if name == "attention-decode" else length
    shapes = [(sequences, n, heads, head_dim) for n in (queries, length, length)]

    def whole(q, k, v):
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        return F.scaled_dot_product_attention(q, k, v, is_causal=queries > 1)

    return shapes, whole


def ids(n, below):
    return torch.tensor([i * 7919 % below for i in range(n)])


def optimizer_step(name, sizes):
    """AdamW's step alone; for a table SparseAdam's, which has no decay."""
    if name == "adamw":
        parameters = [torch.randn(384, 1536) for _ in range(sizes[0] * 1_000_000 // (384 * 1536) + 1)]
        for parameter in parameters:
            parameter.requires_grad_().grad = torch.randn_like(parameter)
        return measure(torch.optim.AdamW(parameters, foreach=True).step)
    touched, rows, d = sizes
    table = torch.randn(rows, d, requires_grad=True)
    index = ids(touched, rows).sort().values[None]
    table.grad = torch.sparse_coo_tensor(index, torch.randn(touched, d), (rows, d), is_coalesced=True)
    return measure(torch.optim.SparseAdam([table]).step)


def case(name, sizes):
    """Input shapes of an operation, and PyTorch's form of it."""
    if name.startswith("attention"):
        return attention(name, sizes)
    if name == "cross-entropy":
        rows, classes, d = sizes
        targets = ids(rows, classes)
        shapes = [(rows, d), (classes, d), (classes,)]
        return shapes, lambda x, w, b: F.cross_entropy(F.linear(x, w, b), targets)
    if name == "embedding":
        n, rows, d = sizes
        index = ids(n, rows)
        return [(rows, d)], lambda table: F.embedding(index, table)
    if name == "linear":
        tokens, d_in, d_out = sizes
        return [(tokens, d_in), (d_out, d_in), (d_out,)], F.linear
    if name == "linear-gelu":
        tokens, d_in, d_out = sizes
        return [(tokens, d_in), (d_out, d_in), (d_out,)], lambda x, w, b: F.gelu(F.linear(x, w, b))
    tokens, d = sizes
    if name == "layer-norm-residual":
        return [(tokens, d), (tokens, d), (d,), (d,)], lambda x, r, w, b: F.layer_norm(x + r, (d,), w, b, 1e-12)
    if name == "rms-norm":
        return [(tokens, d), (d,)], lambda x, w: F.rms_norm(x, (d,), w, 1e-6)
    raise ValueError(name)


def measure(run):
    """The least time and the mean processor time of a call, in milliseconds."""
    for _ in range(3):
        run()
    begin, spent, least, calls = time.perf_counter(), time.process_time(), float("inf"), 0
    while time.perf_counter() - begin < BUDGET or calls < 3:
        start = time.perf_counter()
        run()
        least = min(least, time.perf_counter() - start)
        calls += 1
    return least * 1e3, (time.process_time() - spent) / calls * 1e3


def peer(name, sizes, kind, dtype):
    if kind == "step":
        return optimizer_step(name, sizes)
    shapes, op = case(name, sizes)
    trains = kind == "training"
    inputs = [torch.randn(shape).to(dtype).requires_grad_(trains) for shape in shapes]
    if not trains:
        with torch.inference_mode():
            return measure(lambda: op(*inputs))
    ones = torch.ones_like(op(*inputs))

    def step():
        for x in inputs:
            x.grad = None
        op(*inputs).backward(ones)

    return measure(step)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--libtorch", action="store_true")
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=["wall", "processor"], default="wall")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="cases that match this pattern")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    features = ["--features", "rec-models/libtorch"] if args.libtorch else []
    threads = str(args.threads)
    ours = subprocess.Popen(
        ["cargo", "bench", "--quiet", "--bench", "ops", *features],
        env=os.environ | {"RAYON_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )

    def ask(*words):
        print(*words, file=ours.stdin, flush=True)
        return tuple(map(float, ours.stdout.readline().split()))

    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[args.dtype]
    devices = (["flex"] if args.dtype == "f32" else []) + (["libtorch"] if args.libtorch else [])
    clock = ["wall", "processor"].index(args.clock)
    print(f"| operation | sizes | pass | {' | '.join(devices)} | torch | torch ÷ ours |")
    print("|---|---|---|" + "---|" * (len(devices) + 2))
    for name, sizes, kind in cases():
        if not re.search(args.only, " ".join([name, *map(str, sizes), kind])):
            continue
        times = {device: [] for device in [*devices, "torch"]}
        for _ in range(args.rounds):
            for device in devices:
                times[device].append(ask(name, *sizes, kind, device, args.dtype)[clock])
            times["torch"].append(peer(name, sizes, kind, dtype)[clock])
        best = {device: min(figures) for device, figures in times.items()}
        ratios = " / ".join(f"{best['torch'] / best[device]:.2f}" for device in devices)
        shown = " | ".join(f"{best[device]:.3f}" for device in [*devices, "torch"])
        print(f"| {name} | {' × '.join(map(str, sizes))} | {kind} | {shown} | {ratios} |", flush=True)
    ours.stdin.close()
    ours.wait()


if __name__ == "__main__":
    main()
