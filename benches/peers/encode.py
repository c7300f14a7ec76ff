"""Encode 1,000 texts of mixed length: rec beside sentence-transformers, same threads, in turns.

    cargo bench --bench encode --no-run                                      # prints the binary
    python benches/peers/encode.py --ours target/release/deps/encode-… --model FOLDER

For LibTorch: build the binary as `make test-libtorch` builds the tests (the features and the
environment are there), and add --devices cpu libtorch. Needs sentence-transformers and torch.
"""

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

import numpy as np
import sentence_transformers
import torch


def texts_of(model, count, seed):
    """Real words of the vocabulary; lengths are log-normal, 3 to 200 words, 25 in the middle."""
    vocab = model.tokenizer.get_vocab()
    words = sorted(w for w in vocab if w.isalpha() and w.isascii() and len(w) > 2)
    draw = random.Random(seed)
    lengths = [min(200, max(3, int(draw.lognormvariate(3.2, 0.8)))) for _ in range(count)]
    return [" ".join(draw.choices(words, k=length)) for length in lengths]


def cosines(a, b):
    return (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--devices", nargs="+", default=["cpu"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    peers = {"f32": sentence_transformers.SentenceTransformer(args.model, device="cpu")}
    peers["bf16"] = sentence_transformers.SentenceTransformer(args.model, device="cpu").bfloat16()
    texts = texts_of(peers["f32"], 1000, 1)
    ours = [("cpu", "float32")]
    if "libtorch" in args.devices:
        ours += [("libtorch", "float32"), ("libtorch", "bfloat16")]

    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "texts.json"
        path.write_text(json.dumps(texts))
        for _ in range(args.rounds):
            for name, peer in peers.items():
                started = time.perf_counter()
                vectors = peer.encode(texts, batch_size=32)
                seconds.setdefault(f"torch {name}", []).append(time.perf_counter() - started)
                if name == "f32":
                    reference = vectors
            for device, dtype in ours:
                out = pathlib.Path(folder) / f"{device}-{dtype}.npy"
                command = [args.ours, "--model", args.model, "--texts", path, "--out", out]
                command += ["--device", device, "--dtype", dtype, "--threads", str(args.threads)]
                done = subprocess.run(command + ["--rounds", "2"], check=True, capture_output=True, text=True)
                best = min(float(line.split()[1]) for line in done.stdout.splitlines())
                seconds.setdefault(f"rec {device} {dtype}", []).append(best)
                cosine = cosines(np.load(out), reference).min()
                assert cosine >= 0.999, (device, dtype, cosine)

    base = statistics.median(seconds["torch f32"])
    print(f"{'':24} {'texts/s':>9} {'best':>9} {'against torch f32':>18}")
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(f"{name:24} {1000 / middle:9.0f} {1000 / min(values):9.0f} {base / middle:17.2f}x")


if __name__ == "__main__":
    main()
