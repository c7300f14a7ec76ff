"""Evaluation: figures by hand, protocol beside them, comparisons, bad input."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pandas as pd
import pytest

import rec


@pytest.fixture(scope="module")
def parts(dataset):
    return rec.split.leave_last_out(dataset)


@pytest.fixture(scope="module")
def ease(parts):
    return rec.EASE(l2=10.0).fit(parts.train)


@pytest.fixture(scope="module")
def popular(parts):
    return rec.Popular().fit(parts.train)


def test_figures_are_those_computed_from_the_lists(parts, ease):
    report = rec.evaluate(ease, parts.test, metrics=["hr@5", "recall@5", "ndcg@5", "mrr@5", "precision@5"])
    truth = dict(zip(*parts.test.to_frame("pandas")[["user", "item"]].T.values))
    r = ease.recommend(list(truth), k=5)
    ranks = [list(row).index(truth[u]) if truth[u] in row else None for u, row in zip(r.users, r.items)]
    hits = [rank is not None for rank in ranks]
    gains = [0 if rank is None else 1 / math.log2(rank + 2) for rank in ranks]
    assert report["hr@5"] == report["recall@5"] == pytest.approx(np.mean(hits))
    assert report["precision@5"] == pytest.approx(np.mean(hits) / 5)
    assert report["ndcg@5"] == pytest.approx(np.mean(gains))
    assert report["mrr@5"] == pytest.approx(np.mean([0 if x is None else 1 / (x + 1) for x in ranks]))
    assert report.per_user("ndcg@5").tolist() == pytest.approx(gains)
    assert report.users.tolist() == r.users.tolist()
    low, high = report.intervals["ndcg@5"]
    assert low < report["ndcg@5"] < high


def test_the_protocol_stands_beside_the_figures(parts, ease):
    report = rec.evaluate(ease, parts.test, train=parts.train, metrics=["ndcg@10"], protocol="leave-last-out", seed=4)
    assert report["protocol"] == "leave-last-out"
    assert "full ranking" in report["setting"] and "pessimistic" in report["setting"]
    assert report["counts"]["users"] == 80 and report["seed"] == 4
    assert "ndcg@10" in repr(report) and "leave-last-out" in repr(report)
    assert isinstance(report, dict) and "ndcg@10" in dict(report)
    assert dict(pickle.loads(pickle.dumps(report))) == dict(report)
    assert rec.evaluate(ease, parts.test, metrics=["ndcg@10"])["ndcg@10"] == report["ndcg@10"]


def test_ties_are_pessimistic_by_default(parts):
    constant = rec.Popular().fit(rec.Dataset.from_frame(pd.DataFrame({"u": ["u0"] * 40, "i": range(40)}), user="u", item="i"))
    bad = rec.evaluate(constant, parts.test, metrics=["hr@20"], filter_seen=False, unknown_users="leave_out")
    lucky = rec.evaluate(constant, parts.test, metrics=["hr@20"], filter_seen=False, unknown_users="leave_out", ties="by_id")
    # One user, 40 equal scores: by id the first 20 items win, and an even user likes those.
    assert bad["hr@20"] == 0.0
    assert lucky["hr@20"] == 1.0


def test_unknown_users_count_unless_left_out(dataset, parts):
    some = dataset.to_frame("pandas").query("user != 'u3'")
    model = rec.ItemKNN().fit(rec.Dataset.from_frame(some, user="user", item="item"))
    assert rec.evaluate(model, parts.test, metrics=["hr@5"])["counts"]["users_missed"] == 1
    left = rec.evaluate(model, parts.test, metrics=["hr@5"], unknown_users="leave_out")
    assert left["counts"]["users"] == 79 and left["counts"]["users_unknown_left_out"] == 1


def test_sampled_metrics_have_their_own_name(parts, ease):
    report = rec.evaluate(ease, parts.test, metrics=["hr@5"], candidates=5, sampler="popularity", seed=1)
    assert "sampled(5)_hr@5" in report and "hr@5" not in report
    full = rec.evaluate(ease, parts.test, metrics=["hr@5"])
    assert report["sampled(5)_hr@5"] >= full["hr@5"]


def test_more_can_be_removed(parts, ease):
    without = rec.evaluate(ease, parts.test, metrics=["hr@5"], also_seen=parts.valid)
    assert without["hr@5"] >= rec.evaluate(ease, parts.test, metrics=["hr@5"])["hr@5"]
    assert "more given items" in without["setting"]


def test_beyond_accuracy(parts, ease, dataset):
    test = parts.test
    test.items = rec.Items.from_frame(
        pd.DataFrame({"id": range(40), "tags": ["low" if i < 20 else "high" for i in range(40)]}), id="id", tags="tags"
    )
    report = rec.evaluate(ease, test, metrics=["coverage@5", "gini@5", "novelty@5", "diversity@5", "serendipity@5", "auc"])
    assert 0 < report["coverage@5"] <= 1 and 0 <= report["gini@5"] < 1
    assert report["diversity@5"] < 0.2
    assert report["auc"] > 0.6
    with pytest.raises(rec.ParameterError, match="similarity"):
        rec.evaluate(ease, test, metrics=["diversity@5"], similarity="image")


def test_ready_made_lists(parts, ease):
    answer = ease.recommend(k=10)
    want = rec.evaluate(ease, parts.test, metrics=["ndcg@10"], ties="by_id")["ndcg@10"]
    assert rec.evaluate(answer, parts.test, metrics=["ndcg@10"])["ndcg@10"] == pytest.approx(want)

    class Other:
        def recommend(self, users, *, k, filter_seen, on_unknown):
            return ease.recommend(users, k=k, filter_seen=filter_seen, on_unknown=on_unknown)

    assert rec.evaluate(Other(), parts.test, metrics=["ndcg@10"])["ndcg@10"] == pytest.approx(want)
    with pytest.raises(rec.DataError, match="ready-made"):
        rec.evaluate(answer, parts.test, candidates=5)


def test_comparisons(parts, ease, popular):
    a, b = (rec.evaluate(m, parts.test, metrics=["ndcg@10", "coverage@10"]) for m in (ease, popular))
    test = rec.compare(a, b, "ndcg@10")
    assert test.difference == pytest.approx(a["ndcg@10"] - b["ndcg@10"])
    assert test.users == 80 and sum(test.wins) <= 80
    assert 0 < test.p_value <= 1
    low, high = test.interval
    assert low < test.difference < high
    assert "ndcg@10" in repr(test)
    assert rec.compare(a, a, "ndcg@10").p_value == 1.0
    with pytest.raises(rec.ParameterError, match="report has ndcg@10"):
        rec.compare(a, b, "recall@3")
    with pytest.raises(rec.ParameterError, match="single users"):
        rec.compare(a, b, "coverage@10")
    fewer = rec.evaluate(ease, parts.valid.binarize(0.5).k_core(1, 2), metrics=["ndcg@10"])
    if fewer.users.tolist() != a.users.tolist():
        with pytest.raises(rec.IdMismatchError):
            rec.compare(a, fewer, "ndcg@10")


def test_validation_stops_early(parts):
    model = rec.BPR(factors=8, epochs=200, learning_rate=0.1, workers=1)
    model.fit(parts.train, validation=parts.valid, metric="ndcg@10", patience=3, every=2)
    log = model.training
    assert log["metric"] == "ndcg@10"
    assert len(log["measurements"]) < 100
    best = max(m["figure"] for m in log["measurements"])
    assert log["epochs"] == next(m["epoch"] for m in log["measurements"] if m["figure"] == best)
    assert rec.evaluate(model, parts.valid, metrics=["ndcg@10"])["ndcg@10"] == pytest.approx(best)


@pytest.mark.parametrize("metric", ["ndgc@10", "ndcg", "ndcg@0", "auc@5", ""])
def test_unknown_metrics(parts, ease, metric):
    with pytest.raises(rec.ParameterError, match="metric"):
        rec.evaluate(ease, parts.test, metrics=[metric])


def test_bad_options(parts, ease):
    for options in [{"ties": "lucky"}, {"sampler": "dice", "candidates": 3}, {"candidates": 0}, {"unknown_users": "drop"}, {"confidence": 2.0}, {"min_weight": -1.0}]:
        with pytest.raises(rec.ParameterError):
            rec.evaluate(ease, parts.test, **options)
    with pytest.raises(rec.DataError, match="empty"):
        rec.evaluate(ease, parts.test, metrics=[])
    with pytest.raises(rec.NotFittedError):
        rec.evaluate(rec.EASE(), parts.test)


def test_models_side_by_side(parts, ease, popular, tmp_path):
    board = rec.leaderboard(
        {"EASE": ease, "crowd": popular},
        parts.test,
        baseline="crowd",
        metrics=["ndcg@10", "coverage@10", "recall_tail@10"],
        segments={"light": 0, "full": 6, "none": 99},
        protocol="two tastes <&>",
    )
    assert board.names == ["EASE", "crowd"]
    frame = board.to_frame("pandas")
    assert len(frame) == 2 * 4 * 3
    cells = frame.set_index(["recommender", "segment", "metric"])
    own = rec.evaluate(ease, parts.test, metrics=["ndcg@10", "coverage@10"])
    other = rec.evaluate(popular, parts.test, metrics=["ndcg@10", "coverage@10"])
    all_users = cells.loc[("EASE", "all", "ndcg@10")]
    assert all_users["mean"] == own["ndcg@10"]
    assert (all_users["low"], all_users["high"]) == own.intervals["ndcg@10"]
    test = rec.compare(own, other, "ndcg@10")
    assert (all_users["difference"], all_users["p_value"]) == (test.difference, test.p_value)
    assert cells.loc[("EASE", "full", "ndcg@10"), "mean"] == pytest.approx(own["ndcg@10"])
    assert math.isnan(cells.loc[("EASE", "none", "ndcg@10"), "mean"])
    assert math.isnan(cells.loc[("crowd", "all", "ndcg@10"), "p_value"])
    assert board.to_dict()["baseline"] == "crowd"
    assert "EASE" in repr(board) and "<table" in board._repr_html_()
    page = tmp_path / "report.html"
    board.write_html(page)
    html = page.read_text(encoding="utf-8")
    assert html == board.to_html() and "<svg" in html and "two tastes &lt;&amp;&gt;" in html
    assert "<script" not in html and html.count("http") == html.count("http://www.w3.org/2000/svg")
    with pytest.raises(rec.ParameterError, match="baseline"):
        rec.leaderboard({"EASE": ease}, parts.test, baseline="best")
    with pytest.raises(rec.DataError, match="empty"):
        rec.leaderboard({}, parts.test)
    with pytest.raises(rec.ParameterError, match="levels"):
        rec.leaderboard({"EASE": ease}, parts.test, segments={"warm": 3})


def test_lists_by_hand():
    report = rec.metrics.evaluate_lists([["a", "b", "c"], [1, 2]], [["b", "x"], [2]], ["mrr@3", "recall@3", "ndcg@2"])
    assert report["mrr@3"] == 0.5
    assert report["recall@3"] == 0.75
    ideal = 1 + 1 / math.log2(3)
    assert report["ndcg@2"] == pytest.approx((1 / math.log2(3) / ideal + 1 / math.log2(3)) / 2)
    by_user = rec.metrics.evaluate_lists({"u": [1, 2]}, {"u": [1], "v": [2]}, ["hr@2"])
    assert by_user["hr@2"] == 0.5
    graded = rec.metrics.evaluate_lists([["a", "b"]], [{"a": 1.0, "b": 3.0, "c": 0.0}], ["ndcg_linear@2"])
    assert graded["ndcg_linear@2"] == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))
    table = rec.metrics.evaluate_lists(np.array([[1, 2], [3, 4]]), [np.array([1]), np.array([4])], ["hr@1"])
    assert table["hr@1"] == 0.5
    novel = rec.metrics.evaluate_lists([["a"]], [["a"]], ["novelty@1"], item_counts={"a": 1}, n_users=8)
    assert novel["novelty@1"] == pytest.approx(3.0)


def test_bad_lists():
    with pytest.raises(rec.DataError, match="twice"):
        rec.metrics.evaluate_lists([[1, 1]], [[1]])
    with pytest.raises(rec.ShapeError, match="ranked lists"):
        rec.metrics.evaluate_lists([[1]], [[1], [2]])
    with pytest.raises(rec.DataError, match="empty"):
        rec.metrics.evaluate_lists([[1]], [[]])
    with pytest.raises(rec.ParameterError, match="auc"):
        rec.metrics.evaluate_lists([[1]], [[1]], ["auc"])
