"""Random checkpoints of the decoders and of T5's encoder, and what transformers computes with them.

decoders.py make OUT           writes OUT/<case>/: a checkpoint folder, expected.json (texts in token
                               ids, log-probabilities, greedy continuations) and
                               expected.safetensors (hidden states and logits, one text after
                               another); and OUT/warpers.json, filtered distributions
decoders.py compare CASE ...   loads what we saved in each CASE/saved/: weights and outputs must be equal

Exits with 3 where torch or transformers are not installed.
"""

import json
import sys
from pathlib import Path

try:
    import torch
    import transformers as tf
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers.generation import logits_process as lp
except ImportError as missing:
    print(missing)
    sys.exit(3)

tf.logging.set_verbosity_error()
tf.logging.disable_progress_bar()
VOCAB = 97
NO_IDS = dict(bos_token_id=None, eos_token_id=None, pad_token_id=None)
SHARED = dict(vocab_size=VOCAB, initializer_range=0.15, **NO_IDS)
LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=500000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=64,
)


def gpt2(**kw):
    return tf.GPT2Config(**{**SHARED, "n_positions": 128, "n_embd": 48, "n_layer": 3, "n_head": 4, **kw})


def llama(config=tf.LlamaConfig, **kw):
    base = dict(
        hidden_size=48,
        intermediate_size=80,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=256,
    )
    return config(**{**SHARED, **base, **kw})


def t5(config=tf.T5Config, **kw):
    base = dict(vocab_size=VOCAB, d_model=40, d_kv=16, d_ff=72, num_layers=3, num_heads=4)
    return config(**{**base, **kw})


DECODERS = {
    "gpt2": (tf.GPT2LMHeadModel, gpt2()),
    "gpt2_variant": (
        tf.GPT2LMHeadModel,
        gpt2(
            n_inner=100,
            n_layer=2,
            n_head=2,
            activation_function="gelu",
            scale_attn_by_inverse_layer_idx=True,
            layer_norm_epsilon=1e-3,
            tie_word_embeddings=False,
        ),
    ),
    "llama": (tf.LlamaForCausalLM, llama()),
    "llama_linear": (
        tf.LlamaForCausalLM,
        llama(
            rope_parameters=dict(rope_type="linear", rope_theta=20000.0, factor=3.0),
            attention_bias=True,
            mlp_bias=True,
            num_key_value_heads=6,
            tie_word_embeddings=True,
        ),
    ),
    "llama3": (tf.LlamaForCausalLM, llama(rope_parameters=LLAMA3, head_dim=16)),
    "qwen2": (tf.Qwen2ForCausalLM, llama(tf.Qwen2Config, tie_word_embeddings=True, rms_norm_eps=1e-5)),
    "qwen3": (tf.Qwen3ForCausalLM, llama(tf.Qwen3Config, head_dim=20, tie_word_embeddings=True)),
    "qwen3_untied": (
        tf.Qwen3ForCausalLM,
        llama(tf.Qwen3Config, head_dim=8, num_key_value_heads=3, attention_bias=True),
    ),
}
ENCODERS = {
    "t5": (tf.T5EncoderModel, t5()),
    "t5_v1_1": (tf.T5ForConditionalGeneration, t5(feed_forward_proj="gated-gelu", d_kv=10)),
    "t5_buckets": (
        tf.T5EncoderModel,
        t5(relative_attention_num_buckets=12, relative_attention_max_distance=40, num_layers=2),
    ),
    "mt5": (tf.MT5EncoderModel, t5(tf.MT5Config)),
    # No head of its own: tf.GPT2Model holds the names without their prefix.
    "gpt2_bare": (tf.GPT2Model, gpt2()),
}


def build(kind, config, seed):
    torch.manual_seed(seed)
    model = kind(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1:  # norms and biases: away from one and zero
                p.add_(0.2 * torch.randn_like(p))
            elif "relative_attention_bias" in name:
                p.normal_(0.0, 1.0)
    return model


def texts(seed, longest):
    g = torch.Generator().manual_seed(seed)
    return [torch.randint(0, VOCAB, (n,), generator=g).tolist() for n in (5, 1, longest, 12)]


def base_of(model):
    if hasattr(model, "get_encoder") and model.config.is_encoder_decoder:
        return model.get_encoder()
    return getattr(model, model.base_model_prefix, model)


@torch.no_grad()
def hidden(model, rows):
    """Last hidden states, each text by itself, and all of them padded to the longest."""
    base = base_of(model)
    alone = [base(torch.tensor([row])).last_hidden_state[0] for row in rows]
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    padded = base(ids, attention_mask=mask).last_hidden_state
    padded = [padded[i, : len(row)] for i, row in enumerate(rows)]
    return torch.cat(alone).contiguous(), torch.cat(padded).contiguous()


@torch.no_grad()
def causal(model, rows):
    logits = [model(torch.tensor([row])).logits[0] for row in rows]
    logs = [
        torch.log_softmax(l[:-1].double(), -1).gather(1, torch.tensor(row[1:], dtype=torch.long)[:, None])
        for l, row in zip(logits, rows)
    ]
    def greedy(row, **kw):
        ids = torch.tensor([row])
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=24, pad_token_id=0, **kw
        )
        return out[0, len(row) :].tolist()

    return torch.cat(logits).contiguous(), {
        "log_probabilities": [float(l.sum()) for l in logs],
        "greedy": [greedy(row) for row in rows],
        "greedy_penalised": [greedy(row, repetition_penalty=1.4) for row in rows],
    }


def make(folder):
    for seed, (name, (kind, config)) in enumerate({**DECODERS, **ENCODERS}.items()):
        model = build(kind, config, seed)
        out = folder / name
        model.save_pretrained(out)
        # Longer than the largest distance of T5's positions; within those of GPT-2.
        rows = texts(seed, 100 if name.startswith("gpt2") else 160)
        alone, padded = hidden(model, rows)
        tensors, facts = {"alone": alone, "padded": padded}, {}
        if name in DECODERS:
            tensors["logits"], facts = causal(model, rows)
        save_file(tensors, out / "expected.safetensors")
        (out / "expected.json").write_text(json.dumps({"texts": rows, **facts}))
    texts_out(folder / "text")
    (folder / "warpers.json").write_text(json.dumps(warpers()))


def texts_out(folder):
    """A decoder with a tokenizer of bytes, and what it writes after some prompts."""
    words = ["手机很好，价格也好。", "The phone is good, 价格 price ok 😀", "物流很快，服务周到！"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<end>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(words, trainer)
    tokenizer = tf.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>")
    # More rows than tokens, as checkpoints have.
    kind, config = tf.LlamaForCausalLM, llama(vocab_size=304, eos_token_id=tokenizer.eos_token_id)
    model = build(kind, config, 99)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    cases = []
    for prompt in ["手机", "The price", "😀 ok"]:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=40, pad_token_id=0
        )[0, ids.shape[1] :].tolist()
        # An id without a token has no text here.
        known = [i for i in out if i < len(tokenizer)]
        text = tokenizer.decode(known, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        cases.append(dict(prompt=prompt, ids=out, text=text))
    (folder / "expected.json").write_text(json.dumps(cases))


def warpers():
    """Distributions that transformers' warpers leave of random scores, some of which tie."""
    g = torch.Generator().manual_seed(0)
    cases = []
    for temperature, top_k, top_p, penalty in [
        (1.0, None, None, 1.0),
        (0.7, None, None, 1.3),
        (1.0, 5, None, 1.0),
        (1.0, 1000, 0.9, 1.0),
        (1.0, None, 0.5, 0.8),
        (1.6, 20, 0.8, 1.2),
        (0.3, 7, 0.95, 1.0),
        (1.0, 1, 0.01, 1.0),
    ]:
        for ties in (False, True):
            scores = 3 * torch.randn(1, 200, generator=g)
            if ties:
                scores = scores.round()
            seen = torch.randint(0, 200, (1, 30), generator=g)
            out = scores.clone()
            if penalty != 1.0:
                out = lp.RepetitionPenaltyLogitsProcessor(penalty)(seen, out)
            out = lp.TemperatureLogitsWarper(temperature)(seen, out) if temperature != 1.0 else out
            out = lp.TopKLogitsWarper(top_k)(seen, out) if top_k else out
            # Which of equals at the border nucleus sampling keeps is not defined.
            if top_p and not ties:
                out = lp.TopPLogitsWarper(top_p)(seen, out)
            cases.append(
                dict(
                    scores=scores[0].tolist(),
                    seen=seen[0].tolist(),
                    temperature=temperature,
                    top_k=top_k,
                    top_p=None if ties else top_p,
                    repetition_penalty=penalty,
                    probabilities=out.double().softmax(-1)[0].tolist(),
                )
            )
    return cases


def compare(folder):
    encoder = "T5" in json.loads((folder / "config.json").read_text())["architectures"][0]
    auto = tf.AutoModelForTextEncoding if encoder else tf.AutoModelForCausalLM
    rows = json.loads((folder / "expected.json").read_text())["texts"]
    ours, report = auto.from_pretrained(folder / "saved", output_loading_info=True)
    assert not report["missing_keys"], report
    assert not report["unexpected_keys"], report
    theirs = auto.from_pretrained(folder)
    weights = theirs.state_dict()
    for name, weight in ours.state_dict().items():
        assert torch.equal(weight, weights[name]), (folder, name)
    for row in rows:
        ids = torch.tensor([row])
        with torch.no_grad():
            got, expected = (m.eval()(ids)[0] for m in (ours, theirs))
        # Equal weights; what threads sum in what order may differ in the last bit.
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


if __name__ == "__main__":
    command, *folders = sys.argv[1:]
    for folder in map(Path, folders):
        {"make": make, "compare": compare}[command](folder)
