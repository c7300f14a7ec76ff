"""rec.Pipeline: from files to explained lists."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import rec

RECOMMENDERS = [
    {"model": "popular"},
    {"model": "item_knn", "name": "together"},
    {"model": "content", "features": {"by": "tags"}},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """60 users over 40 items of two kinds, whose titles and tags say which."""
    folder = tmp_path_factory.mktemp("shop")
    rng = np.random.default_rng(1)
    rows = []
    for user in range(60):
        items = rng.choice(np.arange(20) + 20 * (user % 2), 8, replace=False)
        rows += [(f"u{user}", f"i{item}", 1_700_000_000 + 3600 * at) for at, item in enumerate(items)]
    pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]).to_csv(folder / "events.csv", index=False)
    kinds = ["手机", "跑鞋"]
    items = [(f"i{i}", f"<b>{kinds[i // 20]}</b> 新款 {i}", kinds[i // 20] if i % 5 else "") for i in range(40)]
    pd.DataFrame(items, columns=["item_id", "title", "tags"]).to_csv(folder / "items.csv", index=False)
    (folder / "shop.toml").write_text(
        """
        metrics = ["recall@5", "ndcg@5"]

        [data]
        events = "events.csv"
        items = "items.csv"

        [keywords]
        max_share = 0.6

        [tags]

        [[recommenders]]
        model = "popular"

        [[recommenders]]
        model = "item_knn"
        name = "together"

        [[recommenders]]
        model = "content"
        features = { by = "tags" }

        [fusion.learn]
        levels = [0]
        min_users = 10
        """,
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def pipeline(shop):
    return rec.Pipeline.from_toml(shop / "shop.toml", folder=shop / "work").fit()


def test_lists_reasons_and_figures(pipeline):
    answer = pipeline.recommend(["u0", "u1"], k=5)
    assert answer.items.shape == (2, 5)
    assert all(int(item[1:]) < 20 for item in answer.items[0])
    why = pipeline.explain("u0", answer.items[0][0])
    assert sum(part["part"] for part in why.to_dict()["recommenders"]) == pytest.approx(why.score, abs=1e-5)
    assert why.contributions
    assert "手机" in why.sentence("zh", domain="shop")
    board = pipeline.leaderboard
    assert set(board.names) == {"popular", "together", "content", "fusion"}
    assert "<table" in board._repr_html_()
    stages = [stage["stage"] for stage in pipeline.report["stages"]]
    assert stages[:4] == ["read", "words", "keywords", "tags"]
    assert pipeline.report["predicted_tags"] == 8
    assert pipeline.keywords(["i0"]) == [["手机"]]
    near = pipeline.nearest_users(["u0"], k=3)[0]
    assert len(near) == 3 and all(int(user[1:]) % 2 == 0 for user, _ in near)
    assert pipeline.profiles(["u0"])[0]["interests"][0]["label"] == "手机"


def test_who_says_what_they_like_is_shown_it(pipeline):
    answer = pipeline.recommend_texts(["手机", "想买跑鞋"], k=5)
    assert all(int(item[1:]) < 20 for item in answer.items[0])
    assert all(int(item[1:]) >= 20 for item in answer.items[1])
    assert list(answer.to_frame("pandas").columns) == ["text", "item", "score", "rank"]
    stand_ins = pipeline.stand_ins(["跑鞋"])[0]
    assert len(stand_ins) == 10 and all(int(item[1:]) >= 20 for item in stand_ins)
    with pytest.raises(rec.errors.RecError, match="no word in common"):
        pipeline.recommend_texts(["手机", "zyxwv"])


def test_interests_by_keywords_and_what_was_not_asked_for(pipeline):
    assert pipeline.profiles(["u1"], by="keywords")[0]["interests"][0]["label"] == "跑鞋"
    with pytest.raises(rec.errors.RecError, match="stage clusters"):
        pipeline.profiles(["u1"], by="clusters")
    with pytest.raises(rec.errors.RecError, match="tags, keywords or clusters"):
        pipeline.profiles(["u1"], by="colours")  # type: ignore[arg-type]
    with pytest.raises(rec.errors.RecError, match="vectors"):
        rec.Pipeline(config={"clusters": {}}).fit(rec.Dataset.from_frame(pd.DataFrame({"u": [1], "i": [2]}), user="u", item="i"))


def test_what_was_kept_is_not_done_again(pipeline, shop):
    again = rec.Pipeline.from_toml(shop / "shop.toml", folder=shop / "work").fit()
    assert all(stage["kept"] for stage in again.report["stages"])
    np.testing.assert_array_equal(again.recommend(k=5).items, pipeline.recommend(k=5).items)


def test_saved_loaded_pickled(pipeline, tmp_path):
    pipeline.save(tmp_path / "pipeline")
    expected = pipeline.recommend(k=5)
    for back in (rec.load(tmp_path / "pipeline"), pickle.loads(pickle.dumps(pipeline))):
        assert isinstance(back, rec.Pipeline)
        np.testing.assert_array_equal(back.recommend(k=5).items, expected.items)
        assert back.report["stages"] == pipeline.report["stages"]
    history = pipeline.recommend_histories([["i21", "i22"]], k=3)
    assert all(int(item[1:]) >= 20 for item in history.items[0])


def test_a_data_set_in_memory_and_the_same_configuration_as_toml(shop):
    dataset = rec.read(shop / "events.csv")
    dataset.items = rec.Items.read(shop / "items.csv")
    config = {"recommenders": RECOMMENDERS, "refit": False, "seed": 3}
    pipeline = rec.Pipeline(config=config).fit(dataset.with_items())
    assert len(pipeline.recommend(k=4)) == 60
    assert "together" in pipeline.to_toml()
    assert repr(pipeline) == "Pipeline(recommenders=['popular', 'together', 'content'])"
    change = pipeline.set_catalogue([f"i{i}" for i in range(30)] + ["new"])
    assert (change["known"], change["gone"], list(change["new"])) == (30, 10, ["new"])
    assert all(int(item[1:]) < 30 for item in pipeline.recommend(k=4).items.ravel())


def test_refusals(shop):
    with pytest.raises(rec.ParameterError, match="did you mean `recommenders`"):
        rec.Pipeline(config={"recommender": []})
    with pytest.raises(rec.ParameterError, match="did you mean `factors`"):
        rec.Pipeline(config={"recommenders": [{"model": "als", "factor": 3}]})
    with pytest.raises(rec.DataError, match="name the files"):
        rec.Pipeline().fit()
    with pytest.raises(rec.NotFittedError):
        rec.Pipeline().recommend()
    with pytest.raises(FileNotFoundError):
        rec.Pipeline(config={"data": {"events": "none.csv"}}).fit()
    bare = rec.read(shop / "events.csv")
    with pytest.raises(rec.DataError, match="need the items' texts"):
        rec.Pipeline(config={"keywords": {}}).fit(bare)
    pins = {"pinned": [{"item": f"i{i}", "position": i + 1} for i in range(4)]}
    config = {"recommenders": RECOMMENDERS[:1], "rules": pins, "refit": False}
    pinned = rec.Pipeline(config=config).fit(bare)
    with pytest.raises(rec.ParameterError, match="lists have 3"):
        pinned.recommend(k=3)
