"""The contract that every model keeps: parameters, asking, saving, bad input."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import rec

MODELS = [
    rec.Popular(),
    rec.Popular(half_life_days=3.0, weighted=True),
    rec.ItemKNN(k=20),
    rec.ItemKNN(similarity="bm25", k1=1.2, b=0.5),
    rec.UserKNN(k=20, similarity="jaccard"),
    rec.CoTransition(k=20),
    rec.EASE(l2=10.0),
    rec.SLIM(l1=0.1, l2=1.0),
    rec.ALS(factors=8, epochs=5),
    rec.ALS(factors=8, epochs=3, solver="cholesky", l2=0.5),
    rec.BPR(factors=8, epochs=3, num_threads=1),
    rec.LightGCN(factors=8, epochs=3, batch_size=256),
    rec.LightGCN(factors=8, layers=2, epochs=2, batch_size=64, loss="softmax", positives="users"),
    rec.LightGCN(factors=8, epochs=2, batch_size=256, loss="sampled_softmax", negatives=16),
    rec.LightGCNPP(factors=8, epochs=2, batch_size=256, alpha=0.5),
    rec.XSimGCL(factors=8, epochs=2, batch_size=256, noise=0.1, contrast_layer=2),
    rec.SimGCL(factors=8, layers=2, epochs=2, batch_size=256, loss="softmax"),
    rec.SGL(factors=8, layers=2, epochs=2, batch_size=256, drop_rate=0.2),
    rec.UltraGCN(factors=8, epochs=2, batch_size=256, negatives=10),
    rec.GFCF(factors=4),
    rec.SGFCF(factors=4, betas=(0.5, 1.5), gamma=0.1),
    rec.BSPM(factors=4, sharpening=1.0, solver="euler", merge="late", mean=True),
    rec.NGCF(factors=8, layers=2, epochs=2, batch_size=256),
]


@pytest.fixture(scope="session", params=MODELS, ids=lambda m: repr(m))
def model(request, dataset):
    return clone(request.param).fit(dataset)


@pytest.fixture(scope="session")
def ease(dataset):
    return rec.EASE(l2=10.0).fit(dataset)


# -- parameters


@pytest.mark.parametrize("estimator", MODELS, ids=repr)
def test_clones_have_the_same_parameters_and_are_not_fitted(estimator):
    twin = clone(estimator)
    assert type(twin) is type(estimator) and twin is not estimator
    assert twin.get_params() == estimator.get_params()
    assert eval(repr(twin), {**vars(rec)}).get_params() == estimator.get_params()
    with pytest.raises(rec.NotFittedError, match="fit"):
        twin.recommend([1])
    with pytest.raises(rec.NotFittedError):
        twin.save("nowhere")


def test_parameters_change_by_name():
    model = rec.ItemKNN().set_params(k=5, similarity="bm25")
    assert (model.k, model.similarity) == (5, "bm25")
    with pytest.raises(rec.ParameterError, match="ItemKNN has k, similarity"):
        model.set_params(neighbours=3)
    with pytest.raises(rec.ParameterError, match="similarity"):
        model.set_params(similarity="euclid")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: rec.ItemKNN(k="many"), "k"),
        (lambda: rec.ItemKNN(k=2.5), "k"),
        (lambda: rec.ItemKNN(k=-1), "k"),
        (lambda: rec.ItemKNN(similarity="euclid"), "similarity"),
        (lambda: rec.EASE(l2=float("nan")), "l2"),
        (lambda: rec.EASE(l2=None), "l2"),
        (lambda: rec.EASE(num_threads=0), "num_threads"),
        (lambda: rec.EASE(random_state=-1), "random_state"),
        (lambda: rec.EASE(random_state="dice"), "random_state"),
        (lambda: rec.EASE(device="abacus"), "device"),
        (lambda: rec.ALS(solver="guess"), "solver"),
    ],
)
def test_parameters_of_the_wrong_kind_are_refused_at_once(make, name):
    with pytest.raises(rec.ParameterError, match=f"parameter {name} = "):
        make()


@pytest.mark.parametrize(
    "estimator",
    [rec.EASE(l2=0.0), rec.ItemKNN(k=0), rec.ALS(factors=0), rec.SLIM(l1=-1.0), rec.Popular(half_life_days=0.0)],
    ids=repr,
)
def test_parameters_outside_their_domain_are_refused_by_fit(estimator, dataset):
    with pytest.raises(rec.ParameterError):
        estimator.fit(dataset)


def test_numpy_scalars_are_parameters(dataset):
    rec.EASE(l2=np.float32(10), num_threads=np.int64(1), random_state=np.int64(3)).fit(dataset)


def test_positional_arguments_are_refused():
    with pytest.raises(TypeError):
        rec.EASE(10.0)


# -- asking


def test_shapes_order_and_filters(model, log, dataset):
    r = model.recommend(["u3", "u0"], k=7)
    assert r.users.tolist() == ["u3", "u0"]
    assert r.items.shape == r.scores.shape == (2, 7)
    assert (r.items.dtype, r.scores.dtype) == (np.int64, np.float32)
    for row, user in enumerate(["u3", "u0"]):
        n = r.counts[row]
        seen = set(log[log.user_id == user].item_id)
        assert not seen & set(r.items[row, :n].tolist())
        assert (np.diff(r.scores[row, :n]) <= 0).all()
        assert (r.items[row, n:] == -1).all() and np.isnan(r.scores[row, n:]).all()
    shown = model.recommend(["u3"], k=40, filter_seen=False)
    assert set(shown.items[0, : shown.counts[0]]) <= set(range(40))


def test_personal_models_find_the_taste(dataset, log):
    for estimator in [rec.ItemKNN(k=20), rec.UserKNN(), rec.EASE(l2=10.0), rec.SLIM(l1=0.1, l2=1.0), rec.ALS(factors=8, epochs=8)]:
        r = estimator.fit(dataset).recommend(None, k=5)
        assert len(r) == 80
        even = np.array([int(u[1:]) % 2 == 0 for u in r.users])
        assert ((r.items < 20) == even[:, None])[r.items >= 0].mean() > 0.95, estimator


def test_the_answer_does_not_depend_on_threads(dataset):
    for estimator in [rec.ItemKNN(), rec.EASE(l2=10.0), rec.ALS(factors=8, epochs=3)]:
        one, two = (clone(estimator).set_params(num_threads=n).fit(dataset).recommend() for n in (1, 2))
        np.testing.assert_array_equal(one.items, two.items)
        np.testing.assert_array_equal(one.scores, two.scores)


def test_allow_block_and_candidates(ease):
    r = ease.recommend(["u0", "u1"], k=5, items=[1, 2, 3], filter_seen=False)
    assert set(r.items[0, :3]) == {1, 2, 3} and r.counts.tolist() == [3, 3]
    r = ease.recommend(["u0"], k=40, exclude=np.array([1, 2]), filter_seen=False)
    assert not {1, 2} & set(r.items[0].tolist())
    r = ease.recommend(["u0", "u1"], k=3, candidates=[[5, 6], [7]], filter_seen=False)
    assert [set(row[row >= 0]) for row in r.items] == [{5, 6}, {7}]
    with pytest.raises(rec.ShapeError, match="candidate lists: expected 2, got 1"):
        ease.recommend(["u0", "u1"], k=3, candidates=[[5]])
    with pytest.raises(rec.UnknownIdError, match='unknown item "999"'):
        ease.recommend(["u0"], items=[999])


def test_users_in_any_array(ease):
    want = ease.recommend(["u0", "u2"]).items.tolist()
    import polars as pl
    import pyarrow as pa

    for users in [("u0", "u2"), np.array(["u0", "u2"]), pd.Series(["u0", "u2"]), pd.Index(["u0", "u2"]), pl.Series(["u0", "u2"]), pa.array(["u0", "u2"]), iter(["u0", "u2"])]:
        assert ease.recommend(users).items.tolist() == want


def test_unknown_users(model, dataset):
    if not isinstance(model, rec.Popular):
        with pytest.raises(rec.UnknownIdError, match='unknown user "nobody"'):
            model.recommend(["u0", "nobody"])
        r = model.recommend(["u0", "nobody"], on_unknown="skip")
        assert (r.users.tolist(), r.skipped.tolist()) == (["u0"], ["nobody"])
    popular = rec.Popular().fit(dataset)
    r = model.recommend(["u0", "nobody"], on_unknown=popular)
    assert r.users.tolist() == ["u0", "nobody"]
    best = dataset.to_frame("pandas").item.value_counts().max()
    assert r.scores[1, 0] == best
    with pytest.raises(rec.ParameterError, match="on_unknown"):
        model.recommend(["u0"], on_unknown="shrug")
    with pytest.raises(TypeError, match="on_unknown"):
        model.recommend(["u0"], on_unknown=3)


@pytest.mark.parametrize("k", [0, 41, -3])
def test_k_outside_the_catalogue(ease, k):
    with pytest.raises(rec.ParameterError, match="parameter k"):
        ease.recommend(["u0"], k=k)
    with pytest.raises(rec.ParameterError, match="parameter k"):
        ease.similar_items([1], k=k)


def test_one_id_is_no_list(ease):
    with pytest.raises(TypeError, match=r"\['u0'\]"):
        ease.recommend("u0")
    with pytest.raises(TypeError, match="integer or a string"):
        ease.recommend([None])


def test_histories(ease, log):
    past = log[log.user_id == "u0"].sort_values("timestamp").item_id.tolist()
    known, told = ease.recommend(["u0"], k=5), ease.recommend_histories([past, [(past[0], 2.0)]], k=5)
    assert told.users.tolist() == [0, 1]
    assert told.items[0].tolist() == known.items[0].tolist()
    np.testing.assert_allclose(told.scores[0], known.scores[0], rtol=1e-5)
    with pytest.raises(rec.UnknownIdError, match='item "999"'):
        ease.recommend_histories([[999]])
    skipped = ease.recommend_histories([[999, past[0]]], on_unknown="skip")
    assert skipped.items[0].tolist() == ease.recommend_histories([[past[0]]]).items[0].tolist()
    with pytest.raises(rec.DataError, match="weight"):
        ease.recommend_histories([[(past[0], float("nan"))]])


def test_similar_items_share_the_taste(dataset):
    for estimator in [rec.ItemKNN(k=30), rec.EASE(l2=10.0), rec.ALS(factors=8, epochs=8)]:
        r = estimator.fit(dataset).similar_items([3, 33], k=5)
        assert r.users.tolist() == [3, 33]
        assert (r.items[0] < 20).all() and (r.items[1] >= 20).all()
        assert 3 not in r.items[0]
        assert list(r.to_frame("pandas").columns) == ["item", "similar_item", "score", "rank"]
    with pytest.raises(rec.UnsupportedError, match="popular"):
        rec.Popular().fit(dataset).similar_items([3])


def test_explanations_add_up(ease, dataset):
    r = ease.recommend(["u0"], k=1)
    why = ease.explain("u0", r.items[0, 0])
    assert why.exact
    assert why.score == pytest.approx(r.scores[0, 0], rel=1e-5)
    assert sum(part for _, part in why.contributions) == pytest.approx(why.score, rel=1e-4)
    assert {item for item, _ in why.contributions} <= set(dataset.history("u0").tolist())
    parts = [part for _, part in why.contributions]
    assert parts == sorted(parts, reverse=True)
    crowd = rec.Popular().fit(dataset).explain("u0", 1)
    assert crowd.contributions == [] and not crowd.exact
    assert crowd.sentence() == "Recommended by popular; nothing in your history points to it."


def test_frames_of_recommendations(ease):
    r = ease.recommend(["u0", "u1"], k=3)
    frame = r.to_frame("pandas")
    assert frame.columns.tolist() == ["user", "item", "score", "rank"]
    assert frame.user.tolist() == ["u0"] * 3 + ["u1"] * 3
    assert frame["item"].tolist() == r.items.ravel().tolist()
    assert frame["rank"].tolist() == [1, 2, 3] * 2
    assert r.to_frame("polars").to_dict(as_series=False) == frame.to_dict("list")
    assert r[0] == list(zip(r.items[0].tolist(), r.scores[0].tolist()))
    assert r[-1] == r[1] and len(list(r)) == 2
    with pytest.raises(IndexError):
        r[2]


def test_item_ids_may_be_texts():
    ds = rec.Dataset.from_frame(pd.DataFrame({"u": [1, 1, 2], "i": ["x", "y", "x"]}), user="u", item="i")
    r = rec.Popular().fit(ds).recommend([1, 2], k=2)
    assert r.items.dtype == object
    assert r.items.tolist() == [[None, None], ["y", None]]
    assert r.counts.tolist() == [0, 1]


# -- keeping


def test_saved_models_answer_alike(model, tmp_path):
    want = model.recommend()
    model.save(tmp_path / "m")
    for again in [rec.load(tmp_path / "m"), pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]:
        assert type(again) is type(model)
        for name, value in again.get_params().items():
            want_value = getattr(model, name)
            if name == "num_threads":  # where to run is not part of a saved model
                continue
            if isinstance(value, float):  # the library keeps some parameters in 32 bits
                want_value = pytest.approx(want_value, rel=1e-6)
            assert value == want_value, name
        got = again.recommend()
        np.testing.assert_array_equal(got.items, want.items)
        np.testing.assert_array_equal(got.scores, want.scores)


def test_saving_over_a_model_replaces_it(dataset, ease, tmp_path):
    rec.Popular().fit(dataset).save(tmp_path / "m")
    ease.save(str(tmp_path / "m"))
    assert isinstance(rec.load(tmp_path / "m"), rec.EASE)
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_damaged_folders(ease, tmp_path):
    def fresh():
        ease.save(tmp_path / "m")
        return tmp_path / "m"

    file = fresh() / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(rec.FormatError, match="cut short or changed"):
        rec.load(tmp_path / "m")
    manifest = fresh() / "manifest.json"
    text = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**text, "format": 99}))
    with pytest.raises(rec.VersionError, match="upgrade"):
        rec.load(tmp_path / "m")
    manifest.write_text("{")
    with pytest.raises(rec.FormatError) as caught:
        rec.load(tmp_path / "m")
    assert caught.value.line == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(rec.FormatError, match="no manifest"):
        rec.load(tmp_path / "empty")
    with pytest.raises(FileNotFoundError) as missing:
        rec.load(tmp_path / "nowhere")
    assert missing.value.filename.endswith("manifest.json") and missing.value.errno == 2


def test_a_path_that_cannot_be_written(ease, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        ease.save(tmp_path / "file" / "m")
    (tmp_path / "other").mkdir()
    with pytest.raises(rec.FormatError, match="not a model folder"):
        ease.save(tmp_path / "other")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "other"]
    assert not list((tmp_path / "other").iterdir())


# -- data at the edge


def test_one_user_one_item(tmp_path):
    ds = rec.Dataset.from_csr(sp.csr_matrix(np.ones((1, 1))))
    for estimator in MODELS:
        if estimator.get_params().get("half_life_days"):
            continue
        try:
            model = clone(estimator).fit(ds)
        except (rec.DataError, rec.ParameterError):
            continue
        assert model.recommend([0], k=1).counts.tolist() == [0]
        assert model.recommend([0], k=1, filter_seen=False).counts[0] <= 1


def test_a_missing_clock_is_named(dataset):
    ds = rec.Dataset.from_csr(sp.csr_matrix(np.ones((2, 2))))
    with pytest.raises(rec.DataError, match="timestamps"):
        rec.Popular(half_life_days=1.0).fit(ds)


def test_negative_weights_where_they_make_no_sense():
    ds = rec.Dataset.from_csr(sp.csr_matrix(np.array([[1.0, -1.0], [1.0, 2.0]])))
    for estimator in [rec.ItemKNN(similarity="bm25"), rec.ALS(factors=2)]:
        with pytest.raises(rec.DataError, match="negative|below 0|less than 0"):
            estimator.fit(ds)


def test_ease_refuses_politely_what_does_not_fit(dataset):
    with pytest.raises(rec.TooLargeError, match="needs .*limit is 1.0 KiB") as caught:
        rec.EASE(max_memory=1024).fit(dataset)
    assert isinstance(caught.value, MemoryError)


def test_progress_is_told(dataset, capsys):
    heard = []

    class Ear:
        def begin(self, task, total):
            heard.append(("begin", total))

        def step(self, done, note):
            heard.append(("step", done))

        def end(self):
            heard.append(("end",))

    rec.ALS(factors=4, epochs=3).fit(dataset, progress=Ear())
    assert heard[0] == ("begin", 3) and heard[-1] == ("end",)
    rec.ALS(factors=4, epochs=2).fit(dataset, progress=True)
    assert "als" in capsys.readouterr().err.lower()
