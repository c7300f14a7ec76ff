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


def case(name, sizes):
    """Input shapes of an operation, and PyTorch's form of it."""
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
