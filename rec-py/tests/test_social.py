"""Graphs, circles, friends and the models that learn from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import rec

KITE = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("a", "c"), ("d", "e")]


def kite(weight: list[float] | None = None) -> rec.Graph:
    return rec.Graph.from_edges([a for a, _ in KITE], [b for _, b in KITE], weight)


def friends(n: int = 40) -> rec.Dataset:
    """Users of two tastes whose friends share theirs."""
    rng = np.random.default_rng(1)
    chance = np.where((np.arange(n)[:, None] + np.arange(30)) % 2 == 0, 0.5, 0.05)
    user, item = np.nonzero(rng.random((n, 30)) < chance)
    ds = rec.Dataset.from_frame(pd.DataFrame({"user": user, "item": item}), user="user", item="item")
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if (i + j) % 2 == 0]
    kept = [pair for pair in pairs if rng.random() < 0.3 and set(pair) <= set(user.tolist())]
    df = pd.DataFrame(kept, columns=["a", "b"])
    ds.social = rec.SocialGraph.from_frame(df, ds, source="a", target="b")
    return ds


def test_a_graph_goes_in_and_out() -> None:
    graph = kite()
    assert (graph.n_nodes, graph.n_edges, len(graph)) == (5, 12, 5)
    assert graph.ids.tolist() == ["a", "b", "c", "d", "e"]
    assert graph.degrees().tolist() == [3, 2, 3, 3, 1]
    assert sorted(graph.neighbours("d")) == ["a", "c", "e"]
    matrix = graph.to_csr()
    assert sp.issparse(matrix) and (matrix != matrix.T).nnz == 0
    again = rec.Graph.from_csr(matrix, ids=graph.ids)
    assert (again.to_csr() != matrix).nnz == 0 and again.ids.tolist() == graph.ids.tolist()
    df = pd.DataFrame(KITE, columns=["from", "to"])
    framed = rec.Graph.from_frame(df, source="from", target="to")
    assert (framed.to_csr() != matrix).nnz == 0


def test_an_edge_list_is_read_as_written(tmp_path) -> None:
    graph = kite([1.0, 2.0, 0.5, 1.0, 3.0, 1.0])
    path = tmp_path / "edges.tsv"
    graph.write(path)
    again = rec.Graph.read(path, directed=True)
    assert again.ids.tolist() == graph.ids.tolist()
    assert (again.to_csr() != graph.to_csr()).nnz == 0
    path.write_text("x y\ny z 2\n")
    assert rec.Graph.read(path).n_edges == 4


def test_normalisation_and_cores_are_scipys() -> None:
    graph = kite()
    a = graph.to_csr().toarray()
    d = a.sum(1)
    np.testing.assert_allclose(graph.normalized().toarray(), a / np.sqrt(np.outer(d, d)), rtol=1e-6)
    walk = graph.normalized("random_walk").toarray()
    np.testing.assert_allclose(walk, a / d[:, None], rtol=1e-6)
    tilde = a + np.eye(5)
    d = tilde.sum(1)
    looped = graph.normalized(self_loops=1.0).toarray()
    np.testing.assert_allclose(looped, tilde / np.sqrt(np.outer(d, d)), rtol=1e-6)
    assert graph.k_core(2).degrees().tolist() == [3, 2, 3, 2, 0]
    assert graph.edge_dropout(0.5, seed=1).n_edges < graph.n_edges


def test_links_are_scored_and_held_out() -> None:
    graph = kite()
    assert graph.link_scores("b", method="common_neighbours").tolist() == [1, 0, 1, 2, 0]
    assert graph.link_scores("b")[3] == pytest.approx(2 / np.log(3))
    rest, source, target = graph.hold_out(0.34, seed=1)
    assert rest.n_edges == 8 and len(source) == len(target) == 2
    for a, b in zip(source, target):
        assert b in graph.neighbours(a) and b not in rest.neighbours(a)


def test_circles_of_cliques() -> None:
    cliques = sp.block_diag([np.ones((5, 5)) - np.eye(5), np.ones((4, 4)) - np.eye(4)]).tolil()
    cliques[4, 5] = cliques[5, 4] = 1
    graph = rec.Graph.from_csr(cliques)
    circles = graph.circles()
    assert circles.labels.tolist() == [0] * 5 + [1] * 4 and len(circles) == 2
    assert circles.members(1).tolist() == [5, 6, 7, 8]
    m, inside, ends = 17, [10, 6], [21, 13]
    expected = sum(e / m - (k / (2 * m)) ** 2 for e, k in zip(inside, ends))
    assert circles.quality == pytest.approx(expected)
    vectors = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (9, 1))
    [(circle, affinity)] = circles.recommend(0, vectors=vectors, taste=1.0)
    assert circle == 1 and affinity == pytest.approx(1.0)
    with pytest.raises(rec.ParameterError):
        circles.members(2)


def test_bad_graphs_are_refused() -> None:
    with pytest.raises(rec.ShapeError):
        rec.Graph.from_edges([1, 2], [1])
    with pytest.raises(rec.DataError):
        rec.Graph.from_edges([1], [2], [-1.0])
    with pytest.raises(rec.ShapeError):
        rec.Graph.from_csr(sp.csr_matrix(np.ones((2, 3))))
    with pytest.raises(rec.DataError):
        rec.Graph.from_edges([1], [2], directed=True).circles()
    with pytest.raises(rec.DataError):
        kite().neighbours("z")
    with pytest.raises(rec.ParameterError):
        kite().link_scores("a", method="nearest")
    with pytest.raises(rec.TooLargeError):
        rec.Graph.from_friends(friends(), max_memory=100)


SOCIAL = [
    rec.SEPT(factors=8, epochs=3, positives=3),
    rec.SocialLightGCN(factors=8, epochs=3, friends=0.5),
    rec.SocialLightGCN(factors=8, epochs=2, loss="softmax"),
    rec.LinkPredictor(factors=8, hidden=8, epochs=3),
    rec.LinkPredictor(network="sage", loss="cosine_contrastive", normalize=True, epochs=2),
]


@pytest.mark.parametrize("model", SOCIAL, ids=lambda m: f"{type(m).__name__}-{m.loss if hasattr(m, 'loss') else ''}")
def test_social_models_fit_save_and_load(model, tmp_path) -> None:
    ds = friends()
    answer = model.fit(ds).recommend(ds.user_ids[:4], k=5)
    assert answer.items.shape == (4, 5) and np.isfinite(answer.scores).all()
    model.save(tmp_path / "model")
    loaded = rec.load(tmp_path / "model")
    assert type(loaded) is type(model)
    for name, value in (model.get_params() | {"random_state": 0}).items():
        # Settings are kept in single precision.
        expected = pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
        assert loaded.get_params()[name] == expected, name
    np.testing.assert_array_equal(loaded.recommend(ds.user_ids[:4], k=5).items, answer.items)
    ds.social = None
    with pytest.raises(rec.RecError, match="social graph"):
        type(model)().fit(ds)


def test_friends_are_recommended_and_edges_embedded() -> None:
    ds = friends()
    model = rec.LinkPredictor(loss="info_nce", epochs=20, factors=16, hidden=16).fit(ds)
    users = ds.user_ids
    answer = model.recommend(users, k=3)
    for user, found in zip(users, answer.items):
        known = set(ds.social.friends(user).tolist()) | {user}
        assert not known & set(found.tolist())
    assert model.node_factors.shape == (len(users), 16)
    edges = model.edge_factors(users[:2], users[2:4])
    expected = model.node_factors[:2] * model.node_factors[2:4]
    np.testing.assert_allclose(edges, expected)
    with pytest.raises(rec.DataError):
        model.edge_factors([10**9], users[:1])
