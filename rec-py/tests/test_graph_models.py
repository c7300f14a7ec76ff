"""Models on the graph of users, items and tags."""

from __future__ import annotations

import pandas as pd
import pytest

import rec

SMALL = {"factors": 8, "layers": 2, "epochs": 3, "batch_size": 256, "num_threads": 1}


@pytest.mark.parametrize(
    "estimator",
    [
        rec.LightGCNPP(alpha=0.5, beta=0.0, gamma=0.1, **SMALL),
        rec.XSimGCL(contrast_weight=0.3, contrast_temperature=0.25, noise=0.2, **SMALL),
        rec.SimGCL(loss="softmax", temperature=0.5, noise=0.25, **SMALL),
        rec.SGL(drop_rate=0.25, positives="users", **SMALL),
        rec.SGL(augmentation="node_dropout", drop_rate=0.25, **SMALL),
        rec.SGL(augmentation="random_walk", drop_rate=0.25, **SMALL),
        rec.LightGCN(loss="sampled_softmax", temperature=0.25, negatives=8, **SMALL),
        rec.LightGCN(loss="softmax", score_by="cosine", **SMALL),
    ],
    ids=repr,
)
def test_saved_variants_come_back_as_their_class(estimator, dataset, tmp_path):
    model = estimator.fit(dataset)
    model.save(tmp_path / "model")
    loaded = rec.load(tmp_path / "model")
    assert type(loaded) is type(estimator)
    own = {"random_state", "num_threads", "device"}
    for name, value in estimator.get_params().items():
        if name not in own:
            exact = value is None or isinstance(value, str)
            expected = value if exact else pytest.approx(value, rel=1e-6)
            assert loaded.get_params()[name] == expected, name
    assert (loaded.item_factors == model.item_factors).all()
    assert model.item_factors.shape == (dataset.n_items, 8)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: rec.XSimGCL(contrast_layer=3, **SMALL), "contrast.layer"),
        (lambda: rec.SimGCL(noise=-1.0, **SMALL), "contrast.noise"),
        (lambda: rec.SGL(drop_rate=1.0, **SMALL), "contrast.rate"),
        (lambda: rec.LightGCNPP(gamma=2.0, **SMALL), "residual"),
        (lambda: rec.LightGCN(tags=-1.0, **SMALL), "tags"),
        (lambda: rec.LightGCN(loss="sampled_softmax", negatives=0, **SMALL), "loss.negatives"),
        (lambda: rec.NGCF(node_dropout=1.0, **SMALL), "node_dropout"),
    ],
)
def test_parameters_outside_their_domain_are_named(make, name, dataset):
    with pytest.raises(rec.ParameterError, match=name):
        make().fit(dataset)


def test_ngcf_sets_its_layers_side_by_side(dataset, tmp_path):
    model = rec.NGCF(message_dropout=0.2, node_dropout=0.1, **SMALL).fit(dataset)
    assert model.item_factors.shape == (dataset.n_items, 3 * 8)
    model.save(tmp_path / "model")
    loaded = rec.load(tmp_path / "model")
    assert type(loaded) is rec.NGCF
    assert loaded.get_params()["node_dropout"] == pytest.approx(0.1)
    assert (loaded.user_factors == model.user_factors).all()
    assert loaded.recommend(None, k=3)[0] == model.recommend(None, k=3)[0]


def test_tags_stand_in_the_graph():
    log = pd.DataFrame(
        [(f"{kind}{u}", f"{kind}-{i}") for kind in "ab" for u in range(6) for i in range(4)],
        columns=["user_id", "item_id"],
    )
    ds = rec.Dataset.from_frame(log, user="user_id", item="item_id")
    plain = rec.LightGCN(**SMALL).fit(ds)
    with pytest.raises(rec.RecError, match="tags"):
        rec.LightGCN(tags=1.0, **SMALL).fit(ds)
    names = [f"{kind}-{i}" for kind in "ab" for i in range(4)]
    frame = pd.DataFrame({"item_id": names, "tags": [[name[0]] for name in names]})
    ds.items = rec.Items.from_frame(frame, id="item_id", tags="tags")
    model = rec.LightGCN(tags=1.0, **SMALL).fit(ds)
    assert model.item_factors.shape == plain.item_factors.shape
    assert (model.item_factors != plain.item_factors).any()


def test_items_start_from_their_vectors(log, dataset):
    with pytest.raises(rec.RecError, match="text"):
        rec.LightGCN(content="text", **SMALL).fit(dataset)
    frame = pd.DataFrame({"item_id": range(40)})
    frame["text"] = [[float(item < 20), 0.1 * (item % 7), 1.0] for item in range(40)]
    ds = rec.Dataset.from_frame(log, user="user_id", item="item_id", time="timestamp")
    ds.items = rec.Items.from_frame(frame, id="item_id", vectors="text")
    model = rec.XSimGCL(content="text", content_l2=0.5, **SMALL).fit(ds)
    plain = rec.XSimGCL(**SMALL).fit(ds)
    assert model.get_params()["content"] == "text"
    assert (model.item_factors != plain.item_factors).any()
