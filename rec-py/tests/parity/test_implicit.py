"""Neighbours and factors against implicit."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

import rec

implicit = pytest.importorskip("implicit")
from implicit import nearest_neighbours as nn  # noqa: E402


@pytest.fixture(scope="module")
def matrix():
    m = sp.random(300, 120, density=0.08, random_state=3, format="csr", dtype=np.float64)
    m.data = np.ceil(m.data * 5)
    return m


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (rec.ItemKNN(k=20), nn.CosineRecommender(K=21)),
        (rec.ItemKNN(k=20, similarity="tf_idf"), nn.TFIDFRecommender(K=21)),
        (rec.ItemKNN(k=20, similarity="bm25", k1=1.2, b=0.75), nn.BM25Recommender(K=21, K1=1.2, B=0.75)),
        (rec.ItemKNN(k=20, similarity="dot"), nn.ItemItemRecommender(K=21)),
    ],
    ids=["cosine", "tf_idf", "bm25", "dot"],
)
def test_neighbours_are_those_of_implicit(matrix, ours, theirs):
    theirs.fit(matrix, show_progress=False)
    model = ours.fit(rec.Dataset.from_csr(matrix))
    for item in range(0, 120, 7):
        ids, scores = theirs.similar_items(item, N=21)
        want = {int(i): s for i, s in zip(ids, scores) if i != item and s > 0}
        r = model.similar_items([item], k=20)
        got = {i: s for i, s in r[0] if s > 0}
        # Ties at the last place may go either way.
        last = min(want.values())
        assert {i for i in want if want[i] > last * 1.0001} <= set(got)
        for i in want.keys() & got.keys():
            assert got[i] == pytest.approx(want[i], rel=1e-4)


def test_scores_of_unseen_items_are_those_of_implicit(matrix):
    # An item as its own neighbour adds only to items the user had, so unseen items score alike
    # where every item keeps all neighbours.
    theirs = nn.CosineRecommender(K=120)
    theirs.fit(matrix, show_progress=False)
    model = rec.ItemKNN(k=119).fit(rec.Dataset.from_csr(matrix))
    for user in range(0, 300, 29):
        ids, scores = theirs.recommend(user, matrix[user], N=10, filter_already_liked_items=True)
        r = model.recommend([user], k=10)
        np.testing.assert_allclose(r.scores[0], scores, rtol=1e-4)
        assert r.items[0].tolist() == ids.tolist()
