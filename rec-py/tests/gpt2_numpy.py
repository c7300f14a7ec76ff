"""GPT-2 in NumPy, and checkpoints of it with random weights: what the library is compared with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
POSITIONS, DIM, LAYERS, HEADS = 48, 32, 2, 4


def random_weights(vocab_size: int, seed: int) -> dict[str, Array]:
    draw = np.random.default_rng(seed)

    def normal(*shape: int) -> Array:
        return (draw.standard_normal(shape) * 0.2).astype(np.float32)

    weights = {"wte.weight": normal(vocab_size, DIM), "wpe.weight": normal(POSITIONS, DIM)}
    for name in [f"h.{i}.{norm}" for i in range(LAYERS) for norm in ("ln_1", "ln_2")] + ["ln_f"]:
        weights |= {f"{name}.weight": 1 + normal(DIM), f"{name}.bias": normal(DIM)}
    shapes = {
        "attn.c_attn": (DIM, 3 * DIM),
        "attn.c_proj": (DIM, DIM),
        "mlp.c_fc": (DIM, 4 * DIM),
        "mlp.c_proj": (4 * DIM, DIM),
    }
    for layer in range(LAYERS):
        for name, (rows, columns) in shapes.items():
            weights[f"h.{layer}.{name}.weight"] = normal(rows, columns)
            weights[f"h.{layer}.{name}.bias"] = normal(columns)
    return weights


def save(folder: Path, weights: dict[str, Array]) -> None:
    """config.json and model.safetensors, as transformers writes them."""
    config = {
        "model_type": "gpt2",
        "vocab_size": len(weights["wte.weight"]),
        "n_positions": POSITIONS,
        "n_embd": DIM,
        "n_layer": LAYERS,
        "n_head": HEADS,
        "eos_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config))
    header, data = {}, b""
    for name, value in weights.items():
        begin = len(data)
        data += value.tobytes()
        place = {"dtype": "F32", "shape": value.shape, "data_offsets": [begin, len(data)]}
        header[f"transformer.{name}"] = place
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)


def log_probabilities(weights: dict[str, Array], ids: list[int]) -> Array:
    """log p(next token | tokens so far) at each position: [tokens, vocab]."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x, name):
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    def softmax(x):
        x = np.exp(x - x.max(-1, keepdims=True))
        return x / x.sum(-1, keepdims=True)

    n = len(ids)
    x = w["wte.weight"][ids] + w["wpe.weight"][:n]
    future = np.triu(np.full((n, n), -np.inf), 1)
    for layer in range(LAYERS):
        h = f"h.{layer}"
        qkv = linear(norm(x, f"{h}.ln_1"), f"{h}.attn.c_attn").reshape(n, 3, HEADS, DIM // HEADS)
        q, k, v = qkv.transpose(1, 2, 0, 3)
        attention = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(DIM // HEADS) + future)
        x = x + linear((attention @ v).transpose(1, 0, 2).reshape(n, DIM), f"{h}.attn.c_proj")
        y = linear(norm(x, f"{h}.ln_2"), f"{h}.mlp.c_fc")
        y = 0.5 * y * (1 + np.tanh(np.sqrt(2 / np.pi) * (y + 0.044715 * y**3)))
        x = x + linear(y, f"{h}.mlp.c_proj")
    return np.log(softmax(norm(x, "ln_f") @ w["wte.weight"].T))
