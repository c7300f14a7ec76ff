"""Item tables and social graphs."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import rec


def test_texts_tags_and_vectors():
    frame = pl.DataFrame(
        {
            "item_id": ["x", "y"],
            "title": ["手机", None],
            "body": ["a", "b"],
            "genres": [["red", "big", "red"], []],
            "image": [[1.0, 2.0], [3.0, 4.0]],
        }
    )
    items = rec.Items.from_frame(frame, id="item_id", text=["title", "body"], tags="genres", vectors="image")
    assert len(items) == 2
    assert items.ids.tolist() == ["x", "y"]
    assert items.text_fields == ["title", "body"]
    assert (items.title("x"), items.title("y")) == ("手机", None)
    assert (items.tags("x"), items.tags("y")) == (["red", "big"], [])
    assert items.vector_fields == [("image", 2)]
    assert "2 items" in repr(items)


def test_tags_in_one_text_are_split():
    frame = pd.DataFrame({"id": [1, 2], "genres": ["Drama|War", None]})
    items = rec.Items.from_frame(frame, id="id", tags="genres")
    assert (items.tags(1), items.tags(2)) == (["Drama", "War"], [])


def test_a_data_set_carries_its_items(dataset):
    items = rec.Items.from_frame(pd.DataFrame({"id": [1], "t": ["one"]}), id="id", text="t")
    core = dataset.k_core(1, 1)
    assert core.items is None
    core.items = items
    assert core.items.title(1) == "one"
    assert core.binarize(0.5).items.title(1) == "one"
    assert "item table" in repr(core)
    core.items = None
    assert core.items is None


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"id": [1, 1]}, "row 1.*twice"),
        ({"id": [1, None]}, "row 1.*missing"),
        ({"id": [1, 2], "v": [[1.0], [1.0, 2.0]]}, "row 1.*a vector of 2"),
        ({"id": [1, 2], "v": [[1.0], None]}, "row 1.*missing"),
        ({"id": [1, 2], "v": [[1.0], [float("nan")]]}, "NaN"),
        ({"id": pa.array([], pa.int64())}, "empty"),
    ],
)
def test_bad_item_tables(columns, why):
    with pytest.raises(rec.DataError, match=why):
        rec.Items.from_frame(pa.table(columns), id="id", vectors="v" if "v" in columns else None)


def test_social_graph():
    ds = rec.Dataset.from_frame(pd.DataFrame({"u": ["a", "b", "c"], "i": [1, 1, 2]}), user="u", item="i")
    edges = pd.DataFrame({"from": ["a", "b", "c"], "to": ["b", "c", "zed"], "w": [1.0, 0.5, 1.0]})
    with pytest.raises(rec.UnknownIdError, match="zed"):
        rec.SocialGraph.from_frame(edges, ds, source="from", target="to")
    graph = rec.SocialGraph.from_frame(
        edges, ds, source="from", target="to", weight="w", on_unknown="drop"
    )
    assert (graph.n_edges, graph.n_dropped) == (4, 1)
    assert graph.friends("b").tolist() == ["a", "c"]
    assert graph.to_csr().toarray().tolist() == [[0, 1, 0], [1, 0, 0.5], [0, 0.5, 0]]
    ds.social = graph
    assert ds.social.friends("a").tolist() == ["b"]
    other = rec.Dataset.from_frame(pd.DataFrame({"u": ["z"], "i": [1]}), user="u", item="i")
    with pytest.raises(rec.IdMismatchError, match="social"):
        other.social = graph
    with pytest.raises(rec.DataError, match="self-loop"):
        rec.SocialGraph.from_frame(pd.DataFrame({"f": ["a"], "t": ["a"]}), ds, source="f", target="t")
    with pytest.raises(rec.ParameterError, match="on_unknown"):
        rec.SocialGraph.from_frame(edges, ds, source="from", target="to", on_unknown="skip")
