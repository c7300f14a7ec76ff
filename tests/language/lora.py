"""LoRA adapters of peft, and ours in peft.

lora.py make OUT    writes OUT/<case>/: a random checkpoint, theirs/ (an adapter of peft's), texts.json
                    and expected.safetensors (what the adapted model computes, one text after another)
lora.py check OUT   loads OUT/<case>/ours/ (an adapter) and OUT/<case>/merged/ (a checkpoint) and
                    compares what they compute with OUT/<case>/ours.safetensors

Exits with 3 where torch, transformers or peft is not installed.
"""

import json
import pathlib
import sys

try:
    import peft
    import torch
    import transformers as tf
    from safetensors.torch import load_file, save_file
except ImportError as missing:
    print(missing)
    sys.exit(3)

tf.logging.set_verbosity_error()
VOCAB = 41
TEXTS = [[3, 1, 4, 1, 5, 9, 2, 6], [5], [35, 8, 9, 7, 9, 32, 3, 8, 4, 6, 2, 6, 4]]
NO_IDS = dict(bos_token_id=None, eos_token_id=None, pad_token_id=None)
SHARED = dict(vocab_size=VOCAB, initializer_range=0.2)
LLAMA = dict(
    hidden_size=24,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    head_dim=6,
)
BERT = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40)
CASES = {
    "bert": (
        tf.BertConfig(**SHARED, **BERT, max_position_embeddings=32),
        ["query", "value", "intermediate.dense"],
    ),
    "gpt2": (
        tf.GPT2Config(**SHARED, **NO_IDS, n_positions=64, n_embd=24, n_layer=2, n_head=2),
        ["c_attn", "mlp.c_proj"],
    ),
    "qwen3": (tf.Qwen3Config(**SHARED, **NO_IDS, **LLAMA), ["q_proj", "v_proj", "gate_proj"]),
}


def auto(case):
    return tf.AutoModel if case == "bert" else tf.AutoModelForCausalLM


def outputs(model):
    """Hidden vectors, or scores, of the texts one after another."""
    rows = []
    for text in TEXTS:
        with torch.no_grad():
            rows.append(model.eval()(torch.tensor([text]))[0][0])
    return torch.cat(rows).contiguous()


def make(out):
    for case, (config, targets) in CASES.items():
        folder = out / case
        torch.manual_seed(0)
        auto(case).from_config(config).save_pretrained(folder)
        base = auto(case).from_pretrained(folder)
        # B drawn at random as well, so that the adapters do something.
        lora = peft.LoraConfig(
            r=4, lora_alpha=6, target_modules=targets, init_lora_weights=False
        )
        model = peft.get_peft_model(base, lora)
        model.save_pretrained(folder / "theirs")
        save_file({"outputs": outputs(model)}, folder / "expected.safetensors")
        (folder / "texts.json").write_text(json.dumps({"ids": TEXTS, "type_ids": None}))


def check(out):
    for case in CASES:
        folder = out / case
        expected = load_file(folder / "ours.safetensors")["outputs"]
        base = auto(case).from_pretrained(folder)
        before = outputs(base)
        model = peft.PeftModel.from_pretrained(base, folder / "ours")
        adapted = outputs(model)
        assert (adapted - before).abs().max() > 1e-2, case
        expected = expected.reshape(adapted.shape)
        torch.testing.assert_close(adapted, expected, rtol=1e-4, atol=1e-4)
        merged = auto(case).from_pretrained(folder / "merged")
        torch.testing.assert_close(outputs(merged), expected, rtol=1e-4, atol=1e-4)


{"make": make, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
