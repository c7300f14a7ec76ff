"""A masked-language-model training step: rec beside transformers on torch, same threads, in turns.

    cargo bench --bench masked_lm --no-run                                   # prints the binary
    python benches/peers/masked_lm.py --ours target/release/deps/masked_lm-… --model FOLDER

With --devices cpu libtorch: build the binary as `make test-libtorch` builds the tests. Both sides
see the same texts in steps of the same number of tokens, without dropout, and update by AdamW with
the gradient clipped. The peer pads its texts, sorted by length first, to the longest of a batch.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import torch
import transformers
from encode import texts_of


class Peer:
    def __init__(self, folder, dtype):
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        no_dropout = dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        model = transformers.AutoModelForMaskedLM.from_pretrained(folder, dtype=dtype, **no_dropout)
        self.model = model.train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5)
        collate = transformers.DataCollatorForLanguageModeling(self.tokenizer, mlm_probability=0.15)
        self.collate = lambda ids: collate([{"input_ids": row} for row in ids])

    def batches(self, texts, budget):
        """Runs of at most `budget` tokens, of texts of like length."""
        rows = sorted((self.tokenizer(t, truncation=True, max_length=128)["input_ids"] for t in texts), key=len)
        batch, tokens = [], 0
        for row in rows:
            if batch and tokens + len(row) > budget:
                yield batch
                batch, tokens = [], 0
            batch.append(row)
            tokens += len(row)
        yield batch

    def speeds(self, texts, budget):
        speeds = []
        for ids in self.batches(texts, budget):
            inputs = self.collate(ids)
            started = time.perf_counter()
            self.optimizer.zero_grad()
            self.model(**inputs).loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            speeds.append(sum(map(len, ids)) / (time.perf_counter() - started))
        return speeds[1:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--devices", nargs="+", default=["cpu"])
    parser.add_argument("--texts", type=int, default=700)
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    transformers.logging.set_verbosity_error()

    peers = {"torch float32": Peer(args.model, torch.float32)}
    ours = [("cpu", "float32")]
    if "libtorch" in args.devices:
        peers["torch bfloat16"] = Peer(args.model, torch.bfloat16)
        ours += [("libtorch", "float32"), ("libtorch", "bfloat16")]
    texts = texts_of(peers["torch float32"], args.texts, 1)

    speeds = {}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "texts.json"
        path.write_text(json.dumps(texts))
        for _ in range(args.rounds):
            for name, peer in peers.items():
                speeds.setdefault(name, []).extend(peer.speeds(texts, args.batch_tokens))
            for device, dtype in ours:
                command = [args.ours, "--model", args.model, "--texts", path, "--device", device]
                command += ["--dtype", dtype, "--threads", str(args.threads)]
                command += ["--batch-tokens", str(args.batch_tokens)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found = [float(line.split()[1]) for line in done.stdout.splitlines()]
                speeds.setdefault(f"rec {device} {dtype}", []).extend(found)

    base = statistics.median(speeds["torch float32"])
    print(f"{'':24} {'tokens/s':>9} {'best':>9} {'against torch float32':>22}")
    for name, values in speeds.items():
        middle = statistics.median(values)
        print(f"{name:24} {middle:9.0f} {max(values):9.0f} {middle / base:21.2f}x")


if __name__ == "__main__":
    main()
