"""Recurrent language models from Python."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import rec

# What comes next is certain but for the first sign.
TEXTS = [("甲乙丙" * 4)[i % 3 :][:8] for i in range(48)]
FIRST = [text[0] for text in TEXTS]
SIZES = {"hidden": 8, "dim": 8, "batch_size": 8}


def test_it_learns_what_comes_next_and_is_kept(tmp_path: Path) -> None:
    model = rec.GruLanguageModel(**SIZES, language_passes=1)
    with pytest.raises(rec.NotFittedError, match="fit"):
        model.perplexity(TEXTS)
    assert model.fit(TEXTS) is model
    assert model.n_tokens_ == 3 and model.loss_ > 0.3
    before = model.perplexity(TEXTS)
    model.save(tmp_path / "language")
    loaded = rec.load(tmp_path / "language")
    assert isinstance(loaded, rec.GruLanguageModel)
    assert loaded.get_params()["hidden"] == 8
    assert loaded.perplexity(TEXTS) == before
    assert pickle.loads(pickle.dumps(model)).perplexity(TEXTS) == before
    longer = rec.GruLanguageModel(
        **SIZES, language_passes=60, language=tmp_path / "language", num_threads=1
    )
    assert longer.fit(TEXTS).perplexity(TEXTS) < min(before, 1.3)
    assert repr(longer).startswith("GruLanguageModel(language_passes=60")


def test_classifiers_start_from_it(tmp_path: Path) -> None:
    rec.GruLanguageModel(**SIZES, language_passes=5).fit(TEXTS).save(tmp_path / "language")
    kept = {"learner": "gru", **SIZES, "language": tmp_path / "language"}
    at_once = {"learner": "gru", **SIZES, "language_passes": 5}
    found = [
        rec.TagClassifier(learners=["naive_bayes", gru]).fit(TEXTS, FIRST).predict_proba(TEXTS)
        for gru in (kept, at_once)
    ]
    np.testing.assert_array_equal(*found)
    wider = {**kept, "hidden": 16}
    with pytest.raises(rec.ParameterError, match="hidden.*8"):
        rec.TagClassifier(learners=[wider]).fit(TEXTS, FIRST)


def test_progress_and_refusals() -> None:
    class Diary:
        def __init__(self) -> None:
            self.lines: list[str] = []

        def begin(self, task: str, total: int) -> None:
            self.lines.append(f"{task} {total}")

        def step(self, done: int, note: str) -> None:
            self.lines.append(f"{done} {note}")

        def end(self) -> None:
            self.lines.append("end")

    diary = Diary()
    rec.GruLanguageModel(**SIZES, language_passes=2).fit(TEXTS, progress=diary)
    assert diary.lines[0] == "language 12" and diary.lines[-1] == "end"
    assert " loss " in diary.lines[-2]
    with pytest.raises(rec.ParameterError, match="hidden"):
        rec.GruLanguageModel(hidden=0).fit(TEXTS)
    with pytest.raises(rec.ParameterError, match="language_passes"):
        rec.GruLanguageModel(language_passes=0).fit(TEXTS)
    with pytest.raises(rec.ParameterError, match="GruLanguageModel has"):
        rec.GruLanguageModel().set_params(layers=2)
    with pytest.raises(rec.DataError, match="two tokens"):
        rec.GruLanguageModel(**SIZES).fit(["甲", ""])
