"""Data sets from frames: every kind of column, and every kind of bad row."""

from __future__ import annotations

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import rec

ROWS = {"u": ["b", "a", "b", "b"], "i": [1, 1, 2, 1], "w": [2.0, 1.0, 1.0, 4.0], "t": [5, 9, 3, 7]}

FRAMES = {
    "pandas": lambda d: pd.DataFrame(d),
    "polars": lambda d: pl.DataFrame(d),
    "pyarrow": lambda d: pa.table(d),
    "pyarrow batch": lambda d: pa.RecordBatch.from_pydict(d),
}


def read(frame, **options):
    return rec.Dataset.from_frame(frame, user="u", item="i", **options)


@pytest.mark.parametrize("library", FRAMES)
def test_events_are_in_order_of_time_within_a_user(library):
    ds = read(FRAMES[library](ROWS), weight="w", time="t")
    assert (ds.n_users, ds.n_items, ds.n_interactions) == (2, 2, 4)
    assert ds.user_ids.tolist() == ["b", "a"]
    assert ds.item_ids.tolist() == [1, 2]
    assert ds.item_ids.dtype == np.int64
    assert ds.history("b").tolist() == [2, 1, 1]
    assert ds.n_duplicates == 1
    assert len(ds) == 4
    assert repr(ds) == "rec.Dataset(2 users, 2 items, 4 interactions, weights, times)"


@pytest.mark.parametrize(
    "kind",
    ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"],
)
def test_numbers_of_any_width_are_integer_ids(kind):
    ids = pa.array([3, 1, 3], getattr(pa, kind)())
    ds = read(pa.table({"u": ids, "i": ids}))
    assert ds.user_ids.tolist() == [3, 1]
    assert ds.user_ids.dtype == np.int64


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_texts_of_any_layout_are_text_ids(kind):
    ds = read(pa.table({"u": pa.array(["5", "手机", "5"], kind), "i": [1, 2, 3]}))
    assert ds.user_ids.tolist() == ["5", "手机"]


def test_digits_in_a_text_column_stay_text_and_both_spellings_find_them():
    ds = read(pa.table({"u": ["5", "7"], "i": [1, 2]}))
    assert ds.user_ids.tolist() == ["5", "7"]
    assert ds.history("5").tolist() == ds.history(5).tolist() == [1]


def test_dictionaries_are_numbered_by_first_appearance():
    column = pa.DictionaryArray.from_arrays(pa.array([2, 0, 2], pa.int8()), ["x", "unused", "z"])
    assert read(pa.table({"u": column, "i": [1, 2, 3]})).user_ids.tolist() == ["z", "x"]
    frame = pd.DataFrame({"u": pd.Categorical(["z", "x", "z"]), "i": [1, 2, 3]})
    assert read(frame).user_ids.tolist() == ["z", "x"]
    assert read(pl.from_pandas(frame)).user_ids.tolist() == ["z", "x"]


def test_integers_past_64_bits_signed_keep_their_digits():
    big = 2**63 + 5
    ds = read(pa.table({"u": pa.array([1, big], pa.uint64()), "i": [1, 2]}))
    assert ds.user_ids.tolist() == ["1", str(big)]
    assert ds.history(big).tolist() == [2]


def test_chunks_are_read_one_after_another():
    table = pa.concat_tables([pa.table({"u": [1, 2], "i": [5, 6]}), pa.table({"u": [1], "i": [7]})])
    assert read(table).history(1).tolist() == [5, 7]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_datetimes_keep_their_unit(unit):
    times = pa.array([dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 1)], pa.timestamp(unit, "UTC"))
    ds = read(pa.table({"u": [1, 1], "i": [5, 6], "t": times}), time="t")
    assert ds.history(1).tolist() == [6, 5]
    got = ds.to_frame("pandas")["time"]
    assert str(got.dtype) == f"datetime64[{unit}]"
    assert got.tolist() == [pd.Timestamp(2024, 1, 1), pd.Timestamp(2024, 1, 2)]


def test_dates_are_times():
    days = pa.array([dt.date(2024, 1, 2), dt.date(2024, 1, 1)])
    for kind in [pa.date32(), pa.date64()]:
        ds = read(pa.table({"u": [1, 1], "i": [5, 6], "t": days.cast(kind)}), time="t")
        assert ds.history(1).tolist() == [6, 5]
        assert ds.to_frame("pandas")["time"].tolist() == [
            pd.Timestamp(2024, 1, 1),
            pd.Timestamp(2024, 1, 2),
        ]


def test_numbers_without_a_unit_stay_numbers():
    frame = read(pd.DataFrame(ROWS), time="t").to_frame("pandas")
    assert frame["time"].tolist() == [3, 5, 7, 9]


@pytest.mark.parametrize(
    ("policy", "weights"),
    [("keep", [1, 2, 4, 1]), ("sum", [1, 6, 1]), ("last", [1, 4, 1]), ("count", [1, 2, 1])],
)
def test_duplicates(policy, weights):
    frame = pd.DataFrame(ROWS)
    ds = read(frame, weight="w", time="t", duplicates=policy)
    assert ds.to_frame("pandas")["weight"].tolist() == weights
    again = read(frame, weight="w", time="t").deduplicate(policy)
    assert again.to_frame("pandas").equals(ds.to_frame("pandas"))


def test_kinds_of_events_weigh_as_told():
    frame = pd.DataFrame({"u": [1, 1, 2], "i": [5, 6, 5], "e": ["view", "buy", "view"]})
    ds = read(frame, event="e", event_weights={"view": 1, "buy": 5.0})
    assert ds.to_frame("pandas")["weight"].tolist() == [1, 5, 1]
    with pytest.raises(rec.DataError, match='row 1.*"buy".*view'):
        read(frame, event="e", event_weights={"view": 1})
    with pytest.raises(rec.ParameterError, match="event_weights"):
        read(frame, event="e")


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow", None])
def test_frames_come_back(library):
    frame = read(pd.DataFrame(ROWS), weight="w", time="t").to_frame(library)
    if library == "arrow":
        frame = pa.table(frame)
    got = frame.to_dict("list") if library in ("pandas", None) else frame.to_pydict() if library == "arrow" else frame.to_dict(as_series=False)
    assert got == {"user": ["b", "b", "b", "a"], "item": [2, 1, 1, 1], "weight": [1, 2, 4, 1], "time": [3, 5, 7, 9]}


def test_an_unknown_library_is_refused(dataset):
    with pytest.raises(rec.ParameterError, match="library"):
        dataset.to_frame("excel")


def test_filters(log, dataset):
    core = rec.Dataset.from_frame(pd.DataFrame(ROWS), user="u", item="i").k_core(2, 2)
    assert (core.n_users, core.n_items) == (1, 1)
    with pytest.raises(rec.DataError, match="k-core"):
        dataset.k_core(1000, 1)
    rated = read(pd.DataFrame(ROWS), weight="w").binarize(2.0)
    assert rated.n_interactions == 2 and not rated.has_weights
    with pytest.raises(rec.DataError, match="no event"):
        read(pd.DataFrame(ROWS), weight="w").binarize(99)


# -- bad input


def test_a_missing_column_names_those_present():
    for make in FRAMES.values():
        with pytest.raises(rec.FormatError, match='no column "who".*u, i, w, t'):
            rec.Dataset.from_frame(make(ROWS), user="who", item="i")


@pytest.mark.parametrize("column", ["u", "i", "w", "t"])
def test_a_gap_is_refused_by_its_row(column):
    rows = {**ROWS, column: [*ROWS[column][:2], None, ROWS[column][3]]}
    for make in FRAMES.values():
        with pytest.raises(rec.DataError, match=f'column "{column}", row 2'):
            read(make(rows), weight="w", time="t")


def test_the_row_counts_over_chunks():
    table = pa.concat_tables([pa.table({"u": [1, 2], "i": [5, 6]}), pa.table({"u": [1, None], "i": [7, 8]})])
    with pytest.raises(rec.DataError, match="row 3"):
        read(table)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1e300])
def test_weights_that_are_not_finite_are_refused_by_their_row(bad):
    with pytest.raises(rec.DataError, match='column "w", row 1'):
        read(pa.table({"u": [1, 2], "i": [1, 2], "w": [1.0, bad]}), weight="w")


def test_nan_is_refused_where_the_frame_keeps_it():
    with pytest.raises(rec.DataError, match='column "w", row 1'):
        read(pl.DataFrame({"u": [1, 2], "i": [1, 2], "w": [1.0, float("nan")]}), weight="w")


@pytest.mark.parametrize(
    ("column", "values", "why"),
    [
        ("u", [1.5, 2.0], "integers or strings"),
        ("u", [True, False], "cannot be an id"),
        ("u", [dt.datetime(2024, 1, 1)] * 2, "cannot be an id"),
        ("w", ["much", "little"], "use numbers"),
        ("t", ["2024-01-01", "2024-01-02"], "to_datetime"),
        ("t", [0.5, 1.5], "whole"),
    ],
)
def test_columns_of_the_wrong_kind(column, values, why):
    rows = {"u": [1, 2], "i": [1, 2], "w": [1.0, 1.0], "t": [1, 2], column: values}
    with pytest.raises(rec.DataError, match=why):
        read(pa.table(rows), weight="w", time="t")


def test_an_empty_frame_is_refused():
    for make in FRAMES.values():
        with pytest.raises(rec.DataError, match="empty"):
            read(make({"u": [], "i": []}) if make is not FRAMES["polars"] else pl.DataFrame({"u": [], "i": []}, schema={"u": pl.Int64, "i": pl.Int64}))


def test_what_is_no_frame_is_refused():
    with pytest.raises(TypeError, match="PyCapsule"):
        rec.Dataset.from_frame([1, 2], user="u", item="i")


def test_unknown_words_are_refused():
    with pytest.raises(rec.ParameterError, match="duplicates"):
        read(pd.DataFrame(ROWS), duplicates="first")
    with pytest.raises(rec.UnknownIdError, match='unknown user "z"') as caught:
        read(pd.DataFrame(ROWS)).history("z")
    assert (caught.value.kind, caught.value.id) == ("user", "z")
    assert isinstance(caught.value, KeyError)
    assert not str(caught.value).startswith(("'", '"'))


def test_pandas_columns_that_are_not_asked_for_need_not_convert():
    frame = pd.DataFrame(ROWS).assign(mixed=[1, "two", object(), None])
    assert read(frame).n_interactions == 4


def test_pickling(dataset):
    again = pickle.loads(pickle.dumps(dataset))
    assert again.to_frame("pandas").equals(dataset.to_frame("pandas"))
    assert again.user_ids.tolist() == dataset.user_ids.tolist()


def test_one_user_one_item_one_event():
    ds = read(pa.table({"u": [1], "i": ["x"]}))
    assert (ds.n_users, ds.n_items, ds.n_interactions, ds.density) == (1, 1, 1, 1.0)
