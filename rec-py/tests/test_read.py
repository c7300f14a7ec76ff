"""Files: layouts, what is refused and why."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import rec

ROWS = [("u1", "x", 3.0, 5), ("u2", "x", 1.0, 2), ("u1", "y", 2.0, 1)]
DATA = Path(__file__).parents[3] / "shared" / "data"


def write(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def csv(tmp_path):
    lines = ["user_id,item_id,rating,timestamp", *(",".join(map(str, row)) for row in ROWS)]
    return write(tmp_path / "log.csv", lines)


def check(ds):
    assert (ds.n_users, ds.n_items, ds.n_interactions) == (2, 2, 3)
    assert ds.history("u1").tolist() == ["y", "x"]
    frame = ds.to_frame("pandas")
    assert frame.weight.tolist() == [2.0, 3.0, 1.0]


def test_the_layout_is_found_out(tmp_path, csv):
    check(rec.Dataset.read(csv))
    check(rec.Dataset.read_csv(str(csv), user="user_id", item=1, time="timestamp", weight="rating", sep=","))
    tsv = write(tmp_path / "log.tsv", ["user_id\titem_id\trating\ttimestamp", *("\t".join(map(str, r)) for r in ROWS)])
    check(rec.read(tsv))
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress(csv.read_bytes()))
    check(rec.Dataset.read(packed))
    names = ("user_id", "item_id", "rating", "timestamp")
    check(rec.read(write(tmp_path / "log.jsonl", [json.dumps(dict(zip(names, row))) for row in ROWS])))
    recbole = ["user_id:token\titem_id:token\trating:float\ttimestamp:float", *("\t".join(map(str, r)) for r in ROWS)]
    check(rec.read(write(tmp_path / "log.inter", recbole)))


def test_parquet(tmp_path):
    import pandas as pd

    path = tmp_path / "log.parquet"
    pd.DataFrame(ROWS, columns=["user_id", "item_id", "rating", "timestamp"]).to_parquet(path)
    check(rec.read(path))


def test_the_report_says_what_was_found(csv):
    report = rec.Dataset.read(csv).report
    assert (report["rows"], report["kept"], report["refused"]) == (3, 3, [])
    assert report["columns"]["user"] == "user_id"
    assert report["format"] == "CSV"
    assert rec.Dataset.read(csv).k_core(1, 1).report is None


def test_malformed_rows(tmp_path):
    path = write(tmp_path / "bad.csv", ["user_id,item_id,rating", "u1,x,1", "u1,y,much", "u2", "u2,x,nan"])
    with pytest.raises(rec.FormatError, match=r"bad\.csv:3: ") as caught:
        rec.Dataset.read(path, user="user_id", item="item_id", weight="rating")
    assert caught.value.line == 3 and caught.value.path.endswith("bad.csv")
    with pytest.warns(UserWarning, match="3 of 4 rows refused"):
        ds = rec.Dataset.read(path, user="user_id", item="item_id", weight="rating", skip_bad=True)
    assert ds.n_interactions == 1
    assert sum(r["count"] for r in ds.report["refused"]) == 3
    assert {line for r in ds.report["refused"] for line, _ in r["examples"]} == {3, 4, 5}


def test_a_missing_column_names_those_present(csv):
    with pytest.raises(rec.FormatError, match='no column "who".*user_id, item_id, rating, timestamp'):
        rec.Dataset.read(csv, user="who")


def test_files_that_are_not_there_or_empty(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        rec.Dataset.read(tmp_path / "none.csv")
    assert caught.value.filename.endswith("none.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises((rec.DataError, rec.FormatError), match="empty"):
        rec.Dataset.read(tmp_path / "empty.csv")


def test_unknown_options(csv):
    with pytest.raises(rec.ParameterError, match="separator = .*there are user, item"):
        rec.Dataset.read(csv, separator=",")
    with pytest.raises(rec.ParameterError, match="sep"):
        rec.Dataset.read(csv, sep="and")
    with pytest.raises(rec.ParameterError, match="time_unit"):
        rec.Dataset.read(csv, time_unit="weeks")


def test_kinds_of_events(tmp_path):
    path = write(tmp_path / "e.csv", ["user,item,event", "1,5,view", "1,6,buy", "2,5,view"])
    ds = rec.Dataset.read(path, event="event", event_weights={"view": 1, "buy": 4})
    assert ds.to_frame("pandas").weight.tolist() == [1, 4, 1]
    with pytest.raises(rec.FormatError, match="buy"):
        rec.Dataset.read(path, event="event", event_weights={"view": 1})
    with pytest.raises(rec.ParameterError, match="event_weights"):
        rec.Dataset.read(path, event="event")


def test_a_split_made_already(tmp_path):
    folder = tmp_path / "made"
    folder.mkdir()
    write(folder / "train.csv", ["user,item", "1,5", "2,6"])
    write(folder / "test.csv", ["user,item", "1,6"])
    train, valid, test = rec.read_split(folder)
    assert (len(train), valid, len(test)) == (2, None, 1)
    assert train.item_ids.tolist() == test.item_ids.tolist()
    write(tmp_path / "one.csv", ["user,item", "1,5"])
    with pytest.raises(rec.DataError, match="no split"):
        rec.read_split(tmp_path / "one.csv")


def test_items(tmp_path):
    path = write(tmp_path / "items.csv", ["item_id,title,genres", "1,手机,Phone|New", "2,书,Book"])
    items = rec.Items.read(path, tags="genres")
    assert items.title(1) == "手机" and items.tags(1) == ["Phone", "New"]


@pytest.mark.skipif(not (DATA / "ml-100k").exists(), reason="needs ../shared/data/ml-100k")
def test_ml_100k_as_it_lies_there():
    ds = rec.read(DATA / "ml-100k")
    assert (ds.n_users, ds.n_items, ds.n_interactions) == (943, 1682, 100_000)
    assert len(ds.items) == 1682


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_events_come_back(tmp_path, csv, ending):
    ds = rec.Dataset.read(csv)
    ds.write(tmp_path / f"out.{ending}")
    check(rec.Dataset.read(tmp_path / f"out.{ending}"))


def test_nothing_half_written_remains(tmp_path, csv):
    ds = rec.Dataset.read(csv)
    with pytest.raises(OSError):
        ds.write(csv / "below-a-file.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["log.csv"]


def test_recommendations_are_written_with_titles(tmp_path, csv):
    ds = rec.Dataset.read(csv)
    items = rec.Items.read(write(tmp_path / "items.csv", ["item_id,title", "x,手机", "y,书"]))
    rec.Popular().fit(ds).recommend(["u2"], k=1).write_csv(tmp_path / "r.csv", items=items)
    header, line = (tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()
    assert header == "user,rank,item,score,title"
    user, rank, item, score, title = line.split(",")
    assert (user, rank, item, float(score), title) == ("u2", "1", "y", 1.0, "书")
