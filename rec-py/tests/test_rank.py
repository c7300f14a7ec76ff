"""Fusion and re-ranking."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest

import rec


@pytest.fixture(scope="module")
def models(dataset):
    return [rec.EASE(l2=10.0).fit(dataset), rec.Popular().fit(dataset)]


@pytest.fixture(scope="module")
def items():
    frame = pd.DataFrame({"id": range(40), "tags": [["even", "odd"][i % 2] for i in range(40)]})
    frame["vec"] = [[float(i % 4 == j) for j in range(4)] for i in range(40)]
    return rec.Items.from_frame(frame, id="id", tags="tags", vectors="vec")


def test_reciprocal_ranks_add_up(models):
    fused = rec.Fusion(models, constant=60.0).recommend(["u0"], k=40, filter_seen=False)
    want = np.zeros(40)
    for model in models:
        r = model.recommend(["u0"], k=40, filter_seen=False)
        scores = dict(r[0])
        for item in range(40):
            above = sum(s > scores[item] for s in scores.values())
            equal = sum(s == scores[item] for s in scores.values())
            want[item] += 1 / (60 + above + (equal + 1) / 2)
    got = np.zeros(40)
    got[fused.items[0]] = fused.scores[0]
    np.testing.assert_allclose(got, want, rtol=2e-2)
    assert want[fused.items[0, 0]] == pytest.approx(want.max(), rel=1e-2)


def test_a_weight_of_all_is_the_model_itself(models):
    one = rec.Fusion(models, method="weighted_sum", weights=[1.0, 0.0], normalize="none")
    np.testing.assert_array_equal(one.recommend(["u0"], k=5).items, models[0].recommend(["u0"], k=5).items)


def test_switching_by_activity(models):
    crowd = rec.Fusion(models, method="switch", min_items=[100, 0]).recommend(["u0"], k=5)
    np.testing.assert_array_equal(crowd.items, models[1].recommend(["u0"], k=5).items)
    own = rec.Fusion(models, method="switch", min_items=[1, 0]).recommend(["u0"], k=5)
    np.testing.assert_array_equal(own.items, models[0].recommend(["u0"], k=5).items)


def test_a_fusion_is_a_model(models, dataset):
    train, _, test = rec.split.leave_last_out(dataset)
    fused = rec.Fusion([rec.ItemKNN(), rec.EASE(l2=10.0)]).fit(train)
    assert rec.evaluate(fused, test, metrics=["hr@10"])["hr@10"] > 0
    again = pickle.loads(pickle.dumps(fused))
    np.testing.assert_array_equal(again.recommend(["u0"]).items, fused.recommend(["u0"]).items)
    assert fused.set_params(method="weighted_sum").recommend(["u0"]).items.shape == (1, 10)
    with pytest.raises(rec.UnsupportedError, match="save its models"):
        fused.save("nowhere")


def test_a_fusion_explains_itself(models, items, dataset):
    fused = rec.Fusion(models, method="weighted_sum", weights=[0.7, 0.3], names=["taste", "crowd"])
    answer = fused.recommend(["u0"], k=1)
    item = int(answer.items[0, 0])
    why = fused.explain("u0", item, items=items, train=dataset)
    assert why.score == pytest.approx(answer.scores[0, 0], rel=1e-6)
    assert sum(share for _, share in why.shares) == pytest.approx(1.0)
    assert {name for name, _ in why.shares} == {"taste", "crowd"}
    assert sum(part for _, part in why.contributions) + why.rest == pytest.approx(why.score, rel=1e-5)
    assert why.tags[0][0] == ("even", "odd")[item % 2]
    data = why.to_dict()
    assert data == json.loads(why.to_json())
    assert data["item"] == {"id": item, "title": None} and data["user"] == "u0"
    assert data["recommenders"][0]["basis"] in ("exact", "leave_one_out")
    top = why.contributions[0][0]
    assert why.sentence().startswith("Because of item") and str(top) in why.sentence()
    assert why.sentence("zh", domain="music").startswith("因为你听过编号")
    assert "taste" in repr(why) and str(why) == why.sentence()
    with pytest.raises(rec.ParameterError, match="language"):
        why.sentence("fr")
    with pytest.raises(rec.UnknownIdError):
        fused.explain("nobody", item)
    with pytest.raises(rec.UnknownIdError):
        fused.explain("u0", 999)
    with pytest.raises(rec.ParameterError, match="names"):
        rec.Fusion(models, names=["one"])


def test_without_the_evidence_the_fused_score_is_lower(models, dataset):
    fused = rec.Fusion(models, method="weighted_sum", weights=[0.9, 0.1], normalize="none")
    past = dataset.history("u0").tolist()
    item = int(fused.recommend_histories([past], k=1).items[0, 0])
    why = fused.explain_history(past, item)
    rest = [i for i in past if i != why.contributions[0][0]]
    assert fused.explain_history(rest, item).score < why.score


def test_bad_fusions(models, dataset):
    with pytest.raises(rec.ParameterError, match="method"):
        rec.Fusion(models, method="vote")
    with pytest.raises(rec.ShapeError, match="weights"):
        rec.Fusion(models, method="weighted_sum", weights=[1.0]).recommend(["u0"])
    with pytest.raises(rec.ParameterError, match="weights"):
        rec.Fusion(models, method="weighted_sum", weights=[-1.0, 1.0]).recommend(["u0"])
    with pytest.raises(rec.NotFittedError):
        rec.Fusion([rec.EASE()]).recommend(["u0"])
    with pytest.raises(rec.DataError, match="empty"):
        rec.Fusion([]).recommend(["u0"])
    other = rec.Popular().fit(rec.Dataset.from_frame(pd.DataFrame({"u": ["u0"], "i": [999]}), user="u", item="i"))
    with pytest.raises(rec.IdMismatchError, match="item ids differ"):
        rec.Fusion([models[0], other]).recommend(["u0"])


def test_weights_are_learned_on_a_held_out_part(dataset):
    train, valid, _ = rec.split.leave_last_out(dataset.deduplicate("last"))
    fused = rec.Fusion([rec.EASE(l2=10.0), rec.Popular()]).fit(train)
    found = fused.learn(valid, levels=[0, 10], min_users=10)
    assert fused.method == "learned" and len(found["alone"]) == 2
    assert sum(found["users"]) == train.n_users
    for model, alone in zip(fused.models, found["alone"]):
        assert rec.evaluate(model, valid, metrics=["ndcg@10"], ties="by_id")["ndcg@10"] == pytest.approx(alone, abs=1e-6)
    again = pickle.loads(pickle.dumps(fused))
    np.testing.assert_array_equal(again.recommend(["u0"]).items, fused.recommend(["u0"]).items)
    with pytest.raises(rec.DataError, match="training part"):
        fused.learn(train)
    with pytest.raises(rec.NotFittedError, match="learn"):
        rec.Fusion(fused.models, method="learned").recommend(["u0"])


def test_trees_are_learned_on_a_held_out_part(dataset):
    frame = pd.DataFrame({"id": range(40), "tags": ["low"] * 20 + ["high"] * 20})
    items = rec.Items.from_frame(frame, id="id", tags="tags")
    train, valid, _ = rec.split.leave_last_out(dataset.deduplicate("last"))
    # No model of this list knows the two tastes; the items' tags do.
    fused = rec.Fusion([rec.Popular(), rec.Popular()]).fit(train)
    found = fused.learn_trees(valid, items=items, ages={0: 3.0}, k=5, candidates=32, trees=40)
    assert found["used"] == "trees" and fused.method == "trees"
    assert found["trees"] > found["weights"]["reciprocal_rank"]
    shown = fused.recommend(["u0", "u1"], k=3)
    assert shown.items.shape == (2, 3)
    assert not set(shown.items[0].tolist()) & set(train.history("u0").tolist())
    plain = rec.Fusion(fused.models)
    with pytest.raises(rec.NotFittedError, match="learn_trees"):
        plain.set_params(method="trees").recommend(["u0"])
    with pytest.raises(rec.ParameterError, match="leaves"):
        plain.learn_trees(valid, leaves=1)


def test_relevance_alone_keeps_the_order(models, items):
    candidates = models[0].recommend(["u0", "u1"], k=20)
    same = rec.rerank.mmr(candidates, items, k=5, relevance=1.0)
    np.testing.assert_array_equal(same.items, candidates.items[:, :5])


@pytest.mark.parametrize("similarity", ["jaccard", "vec"])
def test_diversity_mixes_the_tags(models, items, similarity):
    candidates = models[0].recommend(["u0"], k=12)
    mixed = rec.rerank.mmr(candidates, items, k=4, relevance=0.0, similarity=similarity)
    groups = mixed.items[0] % (2 if similarity == "jaccard" else 4)
    assert len(set(groups[:2].tolist())) == 2
    assert set(mixed.items[0]) <= set(candidates.items[0])


@pytest.mark.parametrize("similarity", ["jaccard", "vec"])
def test_a_determinant_mixes_the_tags(models, items, similarity):
    candidates = models[0].recommend(["u0"], k=12)
    mixed = rec.rerank.dpp(candidates, items, k=4, relevance=0.0, similarity=similarity)
    groups = mixed.items[0] % (2 if similarity == "jaccard" else 4)
    assert len(set(groups[:2].tolist())) == 2
    with pytest.raises(rec.ParameterError, match="below 1"):
        rec.rerank.dpp(candidates, items, k=4, relevance=1.0)


def test_fresh_items_come_first(models):
    candidates = models[0].recommend(["u0"], k=12)
    last = int(candidates.items[0, -1])
    fresh = rec.rerank.freshness(candidates, {last: 100, 9999: 5}, now=100, half_life=7.0, weight=1.0)
    assert fresh.items[0, 0] == last and fresh.scores[0, 0] == pytest.approx(1.0)
    same = rec.rerank.freshness(candidates, {}, now=0, half_life=7.0, weight=0.0)
    np.testing.assert_array_equal(same.items, candidates.items)
    with pytest.raises(rec.ParameterError, match="half_life"):
        rec.rerank.freshness(candidates, {}, now=0, half_life=0.0)


def test_rules_of_the_house(models, items):
    candidates = models[0].recommend(["u0"], k=20)
    first, second, third = (int(i) for i in candidates.items[0, :3])
    rules = rec.rerank.Rules(
        pinned={2: third}, blocked_items=[first], boosted_tags={"odd": 0.0}, quotas={"odd": 1}
    )
    shown = rules.apply(candidates, items, k=6).items[0]
    assert first not in shown and shown[1] == third and (shown % 2 == 1).sum() <= 1
    adjusted = rules.adjust(candidates, items)
    np.testing.assert_array_equal(rules.select(adjusted, items, k=6).items[0], shown)
    assert rec.rerank.Rules(blocked_items=[second]).apply(candidates, k=1).items[0, 0] == first
    with pytest.raises(rec.DataError, match="no item has it"):
        rec.rerank.Rules(blocked_tags=["prime"]).apply(candidates, items)
    with pytest.raises(rec.UnknownIdError):
        rec.rerank.Rules(pinned={1: 777}).apply(candidates, items)


def test_calibration_matches_the_past(models, items, dataset):
    candidates = models[0].recommend(k=12)
    even = rec.rerank.calibrate(candidates, dataset, items, k=6, strength=1.0)
    past = {u: (dataset.history(u) % 2 == 0).mean() for u in even.users}

    def off(r):
        return np.mean([abs((row[:6] % 2 == 0).mean() - past[u]) for u, row in zip(r.users, r.items)])

    assert off(even) < off(candidates)
    same = rec.rerank.calibrate(candidates, dataset, items, k=6, strength=0.0)
    np.testing.assert_array_equal(same.items, candidates.items[:, :6])


def test_bad_reranking(models, items, dataset):
    candidates = models[0].recommend(["u0"], k=5)
    with pytest.raises(rec.ParameterError, match="k = 9"):
        rec.rerank.mmr(candidates, items, k=9)
    with pytest.raises(rec.ParameterError, match="relevance = 2.0"):
        rec.rerank.mmr(candidates, items, k=3, relevance=2.0)
    with pytest.raises(rec.ParameterError, match="similarity"):
        rec.rerank.mmr(candidates, items, k=3, similarity="taste")
    with pytest.raises(rec.ParameterError, match="normalize"):
        rec.rerank.mmr(candidates, items, k=3, normalize="softmax")
    with pytest.raises(rec.DataError, match="tags"):
        rec.rerank.calibrate(candidates, dataset, k=3)
