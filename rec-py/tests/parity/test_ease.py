"""EASE against its closed form in numpy (Steck 2019, equation 8)."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

import rec


def test_scores_are_those_of_the_closed_form():
    x = sp.random(200, 60, density=0.1, random_state=5, format="csr")
    x.data[:] = 1.0
    gram = (x.T @ x).toarray() + 7.0 * np.eye(60)
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    want = x @ weights
    model = rec.EASE(l2=7.0).fit(rec.Dataset.from_csr(x))
    r = model.recommend(None, k=60, filter_seen=False)
    for user, items, scores in zip(r.users, r.items, r.scores):
        np.testing.assert_allclose(scores, want[user, items], rtol=2e-4, atol=2e-6)
