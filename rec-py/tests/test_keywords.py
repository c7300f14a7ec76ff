"""Keywords from Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rec

TEXT = (
    "推荐系统利用用户行为数据学习用户兴趣。图神经网络用于推荐系统，能够建模用户与物品的高阶关系。"
    "实验表明，图神经网络提高了推荐系统的准确率。"
)


@pytest.mark.parametrize("method", ["textrank", "tfidf"])
def test_keywords_of_a_text(method: Any) -> None:
    found = rec.text.keywords(TEXT, k=5, method=method)
    assert len(found) == 5 and "推荐系统" in found[:3]
    assert rec.text.keywords(TEXT, 2, method=method) == found[:2]
    assert rec.text.keywords("", method=method) == []
    assert rec.text.keywords("😀，。", method=method) == []


@pytest.mark.parametrize("unit", ["words", "phrases", "terms"])
def test_extractor(unit: Any) -> None:
    extractor = rec.text.KeywordExtractor("tfidf", unit=unit)
    scored = extractor.extract(TEXT, 4, with_scores=True)
    assert [word for word, _ in scored] == extractor.extract(TEXT, 4)
    assert sorted((s for _, s in scored), reverse=True) == [s for _, s in scored]
    assert extractor.extract_batch([TEXT, ""], 4) == [[word for word, _ in scored], []]
    assert extractor.extract_batch([TEXT], 4, with_scores=True, num_threads=1) == [scored]
    assert not extractor.is_fitted
    assert extractor.fit([TEXT, "手机屏幕", "手机电池"]) is extractor
    assert extractor.is_fitted and extractor.extract(TEXT, 3)


def test_fitted_frequencies_count() -> None:
    extractor = rec.text.KeywordExtractor("tfidf", unit="words")
    corpus = ["手机 电池"] * 9 + ["手机 屏幕"]
    scores = dict(extractor.fit(corpus).extract("手机 屏幕 电池", 3, with_scores=True))
    assert scores["手机"] == pytest.approx(1.0)
    assert scores["屏幕"] == pytest.approx(np.log(11 / 2) + 1)
    assert scores["电池"] == pytest.approx(np.log(11 / 10) + 1)


def test_words_of_ones_own() -> None:
    segmenter = rec.text.Segmenter("zh")
    segmenter.add_word("超级大会员日", tag="n")
    own = rec.text.KeywordExtractor(unit="words", segmenter=segmenter)
    assert own.extract("超级大会员日来了，超级大会员日有优惠", 1) == ["超级大会员日"]
    without = rec.text.KeywordExtractor(
        unit="words", segmenter=segmenter, stop_words={"超级大会员日"}
    )
    assert "超级大会员日" not in without.extract("超级大会员日来了，超级大会员日有优惠", 5)
    verbs = rec.text.KeywordExtractor(unit="words", pos=["v"]).extract(TEXT, 9)
    assert "学习" in verbs and "推荐系统" not in verbs


def letters(texts: list[str]) -> np.ndarray:
    """How often each text has each of some characters."""
    return np.array([[text.count(c) + 0.01 for c in "推荐图神户"] for text in texts])


class Encoder:
    def encode(self, texts: list[str]) -> np.ndarray:
        return letters(texts)


def test_an_encoder_puts_candidates_in_order() -> None:
    extractor = rec.text.KeywordExtractor()
    by_function = extractor.extract(TEXT, 3, with_scores=True, encoder=letters, diversity=0.0)
    assert by_function == extractor.extract(TEXT, 3, with_scores=True, encoder=Encoder(), diversity=0.0)
    vectors = letters([*(word for word, _ in by_function), TEXT])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose([s for _, s in by_function], unit[:-1] @ unit[-1], rtol=1e-5)
    diverse = extractor.extract(TEXT, 3, encoder=letters, diversity=0.7)
    assert diverse[0] == by_function[0][0] and diverse != [word for word, _ in by_function]


def test_errors_say_what_to_do() -> None:
    extractor = rec.text.KeywordExtractor()
    with pytest.raises(rec.ParameterError, match="at least 1"):
        extractor.extract(TEXT, 0)
    for wrong in [{"method": "rake"}, {"unit": "x"}, {"window": 1}, {"damping": 1.0}]:
        with pytest.raises(rec.ParameterError):
            rec.text.KeywordExtractor(**wrong)  # type: ignore[arg-type]
    with pytest.raises(rec.DataError, match="once"):
        extractor.fit([])
    with pytest.raises(rec.ShapeError):
        extractor.extract(TEXT, encoder=lambda texts: np.zeros((1, 4)))
    with pytest.raises(rec.DataError):
        extractor.extract(TEXT, encoder=lambda texts: np.full((len(texts), 4), np.nan))
    with pytest.raises(ZeroDivisionError):
        extractor.extract(TEXT, encoder=lambda texts: 1 / 0)
    with pytest.raises(TypeError):
        extractor.extract(5)  # type: ignore[call-overload]
