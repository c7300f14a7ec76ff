"""Recommending by what items are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rec

ITEMS = pd.DataFrame(
    {
        "id": ["phone", "case", "charger", "tea", "cup", "new"],
        "title": ["智能手机 大屏幕", "手机 保护壳", "手机 快充", "绿茶 茶叶", "茶杯 绿茶", "新款 手机 保护壳"],
        "tags": [["tech"], ["tech"], ["tech"], ["food"], ["food"], ["tech"]],
        "image": [[1.0, 0.0], [0.9, 0.1], [0.8, 0.2], [0.0, 1.0], [0.1, 0.9], [0.9, 0.1]],
    }
)
EVENTS = pd.DataFrame(
    {"user": ["a", "a", "b", "c", "c"], "item": ["phone", "case", "tea", "charger", "cup"]}
)


@pytest.fixture(scope="module")
def shop():
    dataset = rec.Dataset.from_frame(EVENTS, user="user", item="item")
    dataset.items = rec.Items.from_frame(ITEMS, id="id", text=["title"], tags="tags", vectors="image")
    return dataset.with_items()


@pytest.mark.parametrize("by", ["words", "tags", "vectors"])
def test_an_item_nobody_had_is_recommended(shop, tmp_path, by):
    assert shop.n_items == 6
    model = rec.Content(by=by).fit(shop)
    r = model.recommend(["a", "b"], k=2)
    assert "new" in r.items[0] and r.items[1, 0] == "cup"
    parts = model.explain("a", "new")
    assert sum(part for _, part in parts.contributions) == pytest.approx(parts.score, abs=1e-6)
    model.save(tmp_path / by)
    again = rec.load(tmp_path / by)
    assert isinstance(again, rec.Content) and again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.recommend(["a", "b"], k=2).items, r.items)


def test_what_is_missing_is_named(shop):
    bare = rec.Dataset.from_frame(EVENTS, user="user", item="item")
    with pytest.raises(rec.DataError, match="texts, tags or vectors"):
        rec.Content().fit(bare)
    with pytest.raises(rec.DataError, match="dataset.items"):
        bare.with_items()
    with pytest.raises(rec.ParameterError, match="title"):
        rec.Content(fields=["body"]).fit(shop)
    with pytest.raises(rec.ParameterError, match="image"):
        rec.Content(by="vectors", vectors="audio").fit(shop)
    with pytest.raises(rec.ParameterError, match="half_life"):
        rec.Content(half_life=0.0).fit(shop)
    with pytest.raises(rec.ParameterError, match="by"):
        rec.Content(by="smell")


def test_profiles_show_interests_with_their_evidence(shop):
    a, c = rec.profiles(shop, ["a", "c"])
    assert [i["label"] for i in a["interests"]] == ["tech"] and a["diversity"] == pytest.approx(1.0)
    assert {e["item"] for e in a["interests"][0]["evidence"]} == {"phone", "case"}
    assert {i["label"]: i["share"] for i in c["interests"]} == {"tech": 0.5, "food": 0.5}
    assert len(rec.profiles(shop)) == 3
    with pytest.raises(rec.UnknownIdError):
        rec.profiles(shop, ["nobody"])
    with pytest.raises(rec.DataError, match="tags"):
        rec.profiles(rec.Dataset.from_frame(EVENTS, user="user", item="item"))
