"""Tokenizers and vocabularies from Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import rec

TEXTS = [
    "这款手机的屏幕很好",
    "手机屏幕清晰，电池耐用",
    "the phone has a good screen",
    "good phones have good batteries",
    "电池很好，屏幕也很好 😀",
] * 3
MODELS = [("wordpiece", 120), ("bpe", 300), ("unigram", 100)]


@pytest.fixture(scope="module", params=MODELS, ids=[name for name, _ in MODELS])
def tokenizer(request: pytest.FixtureRequest) -> rec.Tokenizer:
    model, size = request.param
    return rec.Tokenizer.train(TEXTS, model=model, vocab_size=size, model_max_length=64)


def test_encode_and_decode(tokenizer: rec.Tokenizer) -> None:
    text = "good 屏幕"
    encoding = tokenizer.encode(text)
    assert len(encoding) == len(encoding.ids) == len(encoding.tokens) == len(encoding.offsets)
    assert tokenizer.decode(encoding.ids).replace(" ", "") == text.replace(" ", "")
    assert tokenizer.decode(np.array(encoding.ids)) == tokenizer.decode(encoding.ids)
    assert [tokenizer.id_to_token(i) for i in encoding.ids] == encoding.tokens
    assert sum(encoding.special_tokens_mask) == tokenizer.num_special_tokens_to_add()


def test_batches_are_the_same_texts(tokenizer: rec.Tokenizer) -> None:
    single = [tokenizer.encode(text).ids for text in TEXTS]
    assert [e.ids for e in tokenizer.encode_batch(TEXTS, num_threads=2)] == single
    ids, types, offsets = tokenizer.encode_packed(np.array(TEXTS, dtype=object))
    assert types is None and offsets.dtype == np.uint32
    assert [ids[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:])] == single
    pairs = tokenizer.encode_batch(TEXTS, TEXTS[::-1])
    _, types, _ = tokenizer.encode_packed(TEXTS, TEXTS[::-1])
    assert types is not None
    assert types.tolist() == [t for e in pairs for t in e.type_ids]
    assert tokenizer.decode_batch(single) == [tokenizer.decode(row) for row in single]


def test_truncation_and_offsets(tokenizer: rec.Tokenizer) -> None:
    text = TEXTS[1]
    assert len(tokenizer.encode(text, max_length=4)) == 4
    left = tokenizer.encode(text, max_length=4, truncation_side="left")
    assert left.tokens != tokenizer.encode(text, max_length=4).tokens
    for start, end in tokenizer.encode(text, offsets="bytes").offsets:
        assert 0 <= start <= end <= len(text.encode())
    with pytest.raises(rec.ParameterError, match="max_length"):
        tokenizer.encode("a", "b", max_length=0)
    for wrong in [{"offsets": "words"}, {"truncation_side": "top"}, {"truncation_strategy": "x"}]:
        with pytest.raises(rec.ParameterError):
            tokenizer.encode(text, max_length=9, **wrong)  # type: ignore[arg-type]


def test_save_and_load(tokenizer: rec.Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "tokenizer.json")
    tokenizer.save_pretrained(tmp_path / "folder")
    for loaded in [
        rec.Tokenizer.from_file(tmp_path / "tokenizer.json"),
        rec.Tokenizer.from_pretrained(tmp_path / "folder"),
    ]:
        assert loaded.get_vocab() == tokenizer.get_vocab()
        assert loaded.encode(TEXTS[0]).ids == tokenizer.encode(TEXTS[0]).ids
    assert loaded.special_tokens == tokenizer.special_tokens
    assert loaded.model_max_length == 64
    assert len(loaded) == loaded.vocab_size


def test_stream(tokenizer: rec.Tokenizer) -> None:
    ids = tokenizer.encode(TEXTS[4]).ids
    stream = tokenizer.decode_stream()
    pieces = [stream.step(i) for i in ids] + [stream.finish()]
    assert "".join(piece or "" for piece in pieces) == tokenizer.decode(ids)
    with pytest.raises(rec.DataError):
        stream.step(ids[0])
    with pytest.raises(rec.DataError):
        tokenizer.decode([10**6])


def test_training_takes_iterators_and_files(tmp_path: Path) -> None:
    def texts() -> Iterator[str]:
        yield from TEXTS

    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(TEXTS), encoding="utf-8")
    options = {"model": "bpe", "vocab_size": 300}
    listed = rec.Tokenizer.train(TEXTS, **options)  # type: ignore[arg-type]
    assert rec.Tokenizer.train(texts(), **options).to_json() == listed.to_json()  # type: ignore[arg-type]
    files = rec.Tokenizer.train(files=[corpus], num_threads=1, **options)  # type: ignore[arg-type]
    assert files.to_json() == listed.to_json()
    spent = texts()
    list(spent)
    with pytest.raises(rec.DataError, match="once"):
        rec.Tokenizer.train(spent)
    with pytest.raises(rec.DataError):
        rec.Tokenizer.train([])
    with pytest.raises(TypeError):
        rec.Tokenizer.train("a text")
    with pytest.raises(TypeError):
        rec.Tokenizer.train([1, 2])  # type: ignore[list-item]


def test_training_options() -> None:
    special = {"unk_token": "<u>", "cls_token": "<c>", "sep_token": "<s>"}
    tokenizer = rec.Tokenizer.train(
        TEXTS, vocab_size=120, special_tokens=special, extra_special_tokens=["[ITEM]"]
    )
    assert tokenizer.special_tokens == special
    assert tokenizer.encode("[ITEM]").tokens == ["<c>", "[ITEM]", "<s>"]
    assert (tokenizer.unk_token_id, tokenizer.mask_token_id) == (0, None)
    with pytest.raises(rec.ParameterError, match="roles are"):
        rec.Tokenizer.train(TEXTS, special_tokens={"bob": "x"})
    with pytest.raises(rec.ParameterError, match="vocab_size"):
        rec.Tokenizer.train(TEXTS, vocab_size=10)
    with pytest.raises(rec.ParameterError, match="wordpiece"):
        rec.Tokenizer.train(TEXTS, model="char")  # type: ignore[arg-type]
    words = rec.Tokenizer.train(
        TEXTS, model="bpe", vocab_size=400, segmenter=rec.text.Segmenter("zh")
    )
    assert words.token_to_id("<|endoftext|>") == 0


def test_progress_is_told() -> None:
    told: list[str] = []

    class Teller:
        def begin(self, task: str, total: int) -> None:
            told.append(task)

        def step(self, done: int, note: str) -> None:
            pass

        def end(self) -> None:
            told.append("end")

    rec.Tokenizer.train(TEXTS, vocab_size=120, progress=Teller())
    assert told == ["counting words", "end", "learning", "end"]


def test_damaged_files(tmp_path: Path) -> None:
    whole = rec.Tokenizer.train(TEXTS, vocab_size=120).to_json()
    path = tmp_path / "tokenizer.json"
    path.write_text(whole[: len(whole) // 2], encoding="utf-8")
    with pytest.raises(rec.FormatError, match="cut short"):
        rec.Tokenizer.from_file(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(rec.FormatError, match="UTF-8"):
        rec.Tokenizer.from_file(path)
    path.write_text(json.dumps({"a": 1}), encoding="utf-8")
    with pytest.raises(rec.FormatError):
        rec.Tokenizer.from_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError):
        rec.Tokenizer.from_pretrained(tmp_path / "none")
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "spiece.model").write_bytes(b"\0")
    with pytest.raises(rec.FormatError, match="AutoTokenizer"):
        rec.Tokenizer.from_pretrained(tmp_path / "only")


def test_odd_texts(tokenizer: rec.Tokenizer) -> None:
    for text in ["", "\0", "😀👍🏽", "𠮷﷽"]:
        tokenizer.encode(text)
    assert tokenizer.encode_batch([]) == []
    ids, types, offsets = tokenizer.encode_packed([])
    assert (ids.size, types, offsets.tolist()) == (0, None, [0])
    with pytest.raises(rec.DataError, match="surrogate"):
        tokenizer.encode("\ud800")
    with pytest.raises(TypeError):
        tokenizer.encode_batch("text")
    with pytest.raises(rec.ShapeError):
        tokenizer.encode_batch(["a", "b"], ["c"])


def test_vocab(tmp_path: Path) -> None:
    vocab = rec.Vocab.build([["手机", "b", "a"], ["手机", "b"], ["手机", "c"]], special=["<pad>"])
    assert vocab.words == ["<pad>", "手机", "b", "a", "c"]
    assert vocab.counts.tolist() == [0, 3, 2, 1, 1]
    assert (vocab["b"], vocab.get("z"), "z" in vocab, len(vocab)) == (2, None, False, 5)
    assert (vocab.word(1), vocab.count("手机"), vocab.total_count) == ("手机", 3, 7)
    assert vocab.encode(["c", "z", "b"]).tolist() == [4, 2]
    with pytest.raises(KeyError):
        vocab["z"]
    with pytest.raises(IndexError):
        vocab.word(5)
    vocab.save(tmp_path / "vocab.txt")
    assert rec.Vocab.load(tmp_path / "vocab.txt") == vocab
    small = rec.Vocab.build((["a", "a", "b"] for _ in range(2)), min_count=3, max_size=1)
    assert small.words == ["a"]
    with pytest.raises(rec.DataError):
        rec.Vocab.build([])
    with pytest.raises(rec.DataError, match="min_count"):
        rec.Vocab.build([["a"]], min_count=2)
    with pytest.raises(TypeError, match="segment"):
        rec.Vocab.build(["a b c"])
