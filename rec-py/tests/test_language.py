"""Text generation and likelihoods, against GPT-2 in NumPy, and bad input."""

from __future__ import annotations

import math
from pathlib import Path

import gpt2_numpy
import numpy as np
import pytest

import rec

CORPUS = [
    "这款手机的屏幕很清晰，电池也耐用。",
    "手机壳的手感很好，颜色也漂亮。",
    "a phone with a bright screen and a long battery life",
    "the case feels good and looks good 👟",
]
PROMPTS = ["这款手机", "the phone case"]


@pytest.fixture(scope="module")
def tokenizer() -> rec.Tokenizer:
    return rec.Tokenizer.train(CORPUS, model="bpe", vocab_size=350, progress=False)


@pytest.fixture(scope="module")
def weights(tokenizer: rec.Tokenizer) -> dict[str, gpt2_numpy.Array]:
    return gpt2_numpy.random_weights(tokenizer.vocab_size, seed=3)


@pytest.fixture(scope="module")
def folder(
    tokenizer: rec.Tokenizer,
    weights: dict[str, gpt2_numpy.Array],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("gpt2")
    tokenizer.save_pretrained(folder)
    gpt2_numpy.save(folder, weights)
    return folder


@pytest.fixture(scope="module")
def lm(folder: Path) -> rec.LanguageModel:
    return rec.LanguageModel.from_pretrained(folder)


def greedy(weights: dict[str, gpt2_numpy.Array], ids: list[int], count: int) -> list[int]:
    new: list[int] = []
    for _ in range(count):
        new.append(int(gpt2_numpy.log_probabilities(weights, ids + new)[-1].argmax()))
    return new


def test_greedy_tokens_are_the_likeliest(
    lm: rec.LanguageModel, tokenizer: rec.Tokenizer, weights: dict[str, gpt2_numpy.Array]
) -> None:
    assert (lm.vocab_size, lm.max_len) == (tokenizer.vocab_size, gpt2_numpy.POSITIONS)
    assert lm.report == ([], [])
    found = lm.generate(PROMPTS, max_new_tokens=8, stop_ids=[])
    for prompt, one in zip(PROMPTS, found):
        assert one.ids == greedy(weights, tokenizer.encode(prompt).ids, 8)
        assert one.text == tokenizer.decode(one.ids)
        assert one.finish == "length"


def test_a_stream_gives_the_same_tokens_and_can_be_left(lm: rec.LanguageModel) -> None:
    found = lm.generate(PROMPTS, max_new_tokens=6, stop_ids=[])
    pieces = list(lm.stream(PROMPTS, max_new_tokens=6, stop_ids=[]))
    for prompt, one in enumerate(found):
        mine = [piece for piece in pieces if piece.prompt == prompt]
        assert [piece.id for piece in mine] == one.ids
        assert "".join(piece.text for piece in mine) == one.text
        assert [piece.finish for piece in mine] == [None] * 5 + ["length"]
    stream = lm.stream(PROMPTS, max_new_tokens=6, stop_ids=[])
    assert next(stream).id == found[0].ids[0]
    del stream


def test_a_stop_token_ends_its_text(lm: rec.LanguageModel) -> None:
    ids = lm.generate(PROMPTS[:1], max_new_tokens=8, stop_ids=[])[0].ids
    stop = ids[3]
    [one] = lm.generate(PROMPTS[:1], max_new_tokens=8, stop_ids=[stop])
    assert (one.ids, one.finish) == (ids[: ids.index(stop) + 1], "stop_id")


def test_draws_depend_on_the_seed_alone(lm: rec.LanguageModel) -> None:
    def draw(seed: int, threads: int | None = None) -> list[list[int]]:
        found = lm.generate(
            PROMPTS, max_new_tokens=8, do_sample=True, stop_ids=[], seed=seed, num_threads=threads
        )
        return [one.ids for one in found]

    assert draw(1) == draw(1, threads=1)
    assert draw(1) != draw(2)
    narrow = lm.generate(PROMPTS, max_new_tokens=8, do_sample=True, top_k=1, stop_ids=[])
    assert narrow == lm.generate(PROMPTS, max_new_tokens=8, stop_ids=[])


def test_likelihoods_are_those_of_the_formula(
    lm: rec.LanguageModel, tokenizer: rec.Tokenizer, weights: dict[str, gpt2_numpy.Array]
) -> None:
    logs, tokens = lm.log_likelihoods(CORPUS)
    for text, log, count in zip(CORPUS, logs, tokens):
        ids = tokenizer.encode(text).ids
        rows = gpt2_numpy.log_probabilities(weights, ids)
        expected = sum(rows[at][after] for at, after in enumerate(ids[1:]))
        assert count == len(ids) - 1
        assert log == pytest.approx(expected, rel=1e-4)
    assert lm.perplexity(CORPUS) == pytest.approx(math.exp(-logs.sum() / tokens.sum()))
    assert math.isnan(lm.perplexity([]))


def test_the_folder_suggests_options(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "generation_config.json").write_text('{"do_sample": true, "top_k": 20}')
    options = rec.LanguageModel.from_pretrained(tmp_path).options
    assert (options["do_sample"], options["top_k"], options["stop_ids"]) == (True, 20, [0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "turn do_sample off"),
        ({"top_p": 1.5}, r"\(0, 1\]"),
        ({"max_new_tokens": 0}, "at least 1"),
        ({"stop_ids": [10_000]}, "vocabulary"),
        ({"stop_strings": [""]}, "leave it out"),
    ],
)
def test_bad_options_say_what_to_do(
    lm: rec.LanguageModel, options: dict[str, object], message: str
) -> None:
    for call in (lm.generate, lm.stream):
        with pytest.raises(rec.ParameterError, match=message):
            call(PROMPTS, **options)  # type: ignore[operator]


def test_bad_input_says_what_to_do(lm: rec.LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="list of strings"):
        lm.generate("one text")
    with pytest.raises(rec.RecError, match="prompt"):
        lm.generate([""])
    with pytest.raises(rec.RecError, match="48"):
        lm.generate(["手机" * 200])
    with pytest.raises(rec.FormatError, match="no such folder"):
        rec.LanguageModel.from_pretrained(tmp_path / "nothing")
    with pytest.raises(rec.ParameterError, match="no such device"):
        rec.LanguageModel.from_pretrained(tmp_path, device="abacus")
    assert np.isfinite(lm.perplexity(CORPUS))
