"""Splits: where each event goes, and what is said of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rec


def pairs(ds):
    frame = ds.to_frame("pandas")
    return set(zip(frame["user"], frame["item"]))


ALL = {
    "leave_last_out": lambda ds: rec.split.leave_last_out(ds),
    "by_time": lambda ds: rec.split.by_time(ds, [0.8, 0.1, 0.1]),
    "by_user_ratio": lambda ds: rec.split.by_user_ratio(ds),
    "random": lambda ds: rec.split.random(ds, seed=1),
    "user_holdout": lambda ds: rec.split.user_holdout(ds, seed=1),
    "at_time": lambda ds: rec.split.at_time(ds, 1_600_000_000 + 86_400 * 6, valid_from=1_600_000_000 + 86_400 * 5),
}


@pytest.mark.parametrize("name", ALL)
def test_every_event_lands_in_exactly_one_part(name, dataset):
    split = ALL[name](dataset)
    train, valid, test = split
    parts = [train, valid, test, split.cold.valid, split.cold.test]
    if split.fold_in is not None:
        parts.append(split.fold_in)
    assert sum(len(p) for p in parts) == len(dataset)
    assert set().union(*map(pairs, parts)) == pairs(dataset)
    assert split.report["events"] == len(dataset)
    assert split.report["train"]["events"] == len(train)
    assert isinstance(split.report["warnings"], list)
    assert repr(split).startswith("rec.Split(")
    assert len(split) == 3


def test_the_last_events_are_held_out(log, dataset):
    _, valid, test = rec.split.leave_last_out(dataset)
    last = log.sort_values("timestamp").groupby("user_id").tail(1)
    assert pairs(test) == set(zip(last.user_id, last.item_id))
    assert len(valid) == 80
    train, valid, test = rec.split.leave_last_out(dataset, n=2, validation=False)
    assert (len(train), len(valid), len(test)) == (80 * 6, 0, 160)


def test_time_separates_the_parts(dataset):
    train, valid, test = rec.split.by_time(dataset)
    times = [p.to_frame("pandas").time for p in (train, valid, test)]
    assert times[0].max() < times[1].min() <= times[1].max() < times[2].min()


def test_seeds_decide(dataset):
    one, two, other = (rec.split.random(dataset, seed=s).test for s in (1, 1, 2))
    assert pairs(one) == pairs(two) != pairs(other)


def test_cold_users_and_items_are_kept_apart():
    log = pd.DataFrame({"u": [1, 1, 2, 2, 3], "i": ["a", "b", "a", "new", "a"], "t": [1, 2, 3, 8, 9]})
    split = rec.split.by_time(rec.Dataset.from_frame(log, user="u", item="i", time="t"), [0.6, 0.4])
    assert len(split.test) == 0 or "new" not in pairs(split.test)
    assert split.cold.users.tolist() == [3]
    assert split.cold.items.tolist() == ["new"]
    assert len(split.cold.test) == 2
    assert split.report["cold_test"] == {"user": 1, "item": 1, "both": 0}


def test_held_out_users_are_told_a_part(dataset):
    split = rec.split.user_holdout(dataset, [0.5, 0.5], fold_in=0.5, seed=3)
    users = np.unique(split.test.to_frame("pandas").user)
    assert not set(users) & set(split.train.to_frame("pandas").user)
    told = split.fold_in.to_frame("pandas").groupby("user").size()
    assert (told == 4).all() and set(told.index) == set(users)


def test_parts_carry_the_item_table(dataset):
    ds = dataset.k_core(1, 1)
    ds.items = rec.Items.from_frame(pd.DataFrame({"id": [1], "t": ["one"]}), id="id", text="t")
    assert rec.split.leave_last_out(ds).test.items.title(1) == "one"


@pytest.mark.parametrize(
    ("make", "error", "why"),
    [
        (lambda ds: rec.split.by_time(ds, [0.5, 0.2]), rec.ParameterError, "sum"),
        (lambda ds: rec.split.random(ds, [1.0]), rec.ParameterError, "fractions"),
        (lambda ds: rec.split.random(ds, [1.5, -0.5]), rec.ParameterError, "fractions"),
        (lambda ds: rec.split.leave_last_out(ds, n=0), rec.ParameterError, "n = 0"),
        (lambda ds: rec.split.leave_last_out(ds, n=-1), rec.ParameterError, "n = -1"),
        (lambda ds: rec.split.leave_last_out(ds, n=100), rec.DataError, "events"),
        (lambda ds: rec.split.user_holdout(ds, fold_in=1.0), rec.ParameterError, "fold_in"),
        (lambda ds: rec.split.user_holdout(ds, order="last"), rec.ParameterError, "order"),
        (lambda ds: rec.split.at_time(ds, 5), rec.DataError, "instants"),
    ],
)
def test_bad_splits(dataset, make, error, why):
    with pytest.raises(error, match=why):
        make(dataset)


def test_time_splits_need_times():
    ds = rec.Dataset.from_frame(pd.DataFrame({"u": [1, 2], "i": [1, 1]}), user="u", item="i")
    with pytest.raises(rec.DataError, match="timestamps"):
        rec.split.by_time(ds)
