"""Metrics against ranx, on random rankings."""

from __future__ import annotations

import numpy as np
import pytest

import rec

ranx = pytest.importorskip("ranx")

NAMES = {
    "precision@10": "precision@10",
    "recall@10": "recall@10",
    "hr@10": "hit_rate@10",
    "mrr@10": "mrr@10",
    "ndcg_linear@10": "ndcg@10",
    "ndcg_exp@10": "ndcg_burges@10",
    "map_full@10": "map@10",
}


def test_figures_are_those_of_ranx():
    rng = np.random.default_rng(11)
    run, relevant = {}, {}
    for user in range(200):
        items = rng.permutation(60)[:25]
        # Distinct descending scores: the list is the ranking for both.
        run[f"q{user}"] = {f"d{i}": float(25 - rank) for rank, i in enumerate(items)}
        wanted = rng.permutation(60)[: rng.integers(1, 9)]
        relevant[f"q{user}"] = {f"d{i}": int(rng.integers(1, 5)) for i in wanted}
    want = ranx.evaluate(ranx.Qrels(relevant), ranx.Run(run), list(NAMES.values()))
    lists = {user: list(scores) for user, scores in run.items()}
    got = rec.metrics.evaluate_lists(lists, relevant, list(NAMES))
    for ours, theirs in NAMES.items():
        assert got[ours] == pytest.approx(want[theirs], abs=1e-9), ours


def test_figures_of_each_user_are_those_of_ranx():
    rng = np.random.default_rng(12)
    run = {f"q{u}": {f"d{i}": float(9 - r) for r, i in enumerate(rng.permutation(30)[:9])} for u in range(50)}
    relevant = {u: {f"d{i}": 1 for i in rng.permutation(30)[:4]} for u in run}
    want = ranx.Run(run)
    ranx.evaluate(ranx.Qrels(relevant), want, ["ndcg@5"])
    got = rec.metrics.evaluate_lists({u: list(s) for u, s in run.items()}, relevant, ["ndcg@5"])
    np.testing.assert_allclose(got.per_user("ndcg@5"), [want.scores["ndcg@5"][u] for u in run], atol=1e-9)
