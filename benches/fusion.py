"""Every recommender and their fusion, side by side, on real data.

    python benches/fusion.py [--data ml-1m lastfm steam] [--folder ../shared/data]

Needs the package and pandas. Users and items with at least 5 events; events are cut at random into
70 % training, 10 % validation and 20 % test. Models are fitted on the training part, the fusion's
weights learned on the validation part, and all measured once on the test part, items of the other two
removed: Recall@20 and NDCG@20, with a paired test of the learned fusion against the model that was best
on validation.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path

import pandas as pd

import rec

METRICS = ["recall@20", "ndcg@20"]


def ml_1m(folder: Path):
    """MovieLens-1M with a description of each film."""
    from_here = folder / "colakg-item-text"

    def pairs(name):
        with gzip.open(from_here / name, "rt") as lines:
            rows = [line.split() for line in lines]
        return pd.DataFrame([(int(r[0]), int(i)) for r in rows for i in r[1:]], columns=["user", "item"])

    ids = pd.read_csv(from_here / "ml-1m_item_map.txt.gz", sep=" ", names=["film", "id"])
    with gzip.open(from_here / "ml-1m_item_text.json.gz", "rt") as file:
        texts = json.load(file)
    films = pd.read_csv(
        folder / "ml-1m" / "movies.dat", sep="::", names=["film", "title", "tags"], engine="python", encoding="latin-1"
    )
    items = ids.merge(films, on="film", how="left")
    items["text"] = items["film"].astype(str).map(texts).fillna("")
    items["tags"] = items["tags"].fillna("").str.split("|")
    events = pd.concat([pairs("ml-1m_train.txt.gz"), pairs("ml-1m_test.txt.gz")])
    return events, items[["id", "text", "tags"]]


def lastfm(folder: Path):
    """Listens to artists, with the tags that users gave them."""
    here = folder / "hetrec2011-lastfm-2k"

    def read(name):
        return pd.read_csv(here / f"{name}.dat.gz", sep="\t", encoding="latin-1")

    events = read("user_artists").rename(columns={"userID": "user", "artistID": "item"})[["user", "item"]]
    names = read("tags").set_index("tagID")["tagValue"]
    given = read("user_taggedartists")
    given["tag"] = given["tagID"].map(names)
    counts = given.groupby(["artistID", "tag"]).size().reset_index(name="n")
    counts = counts[counts["n"] >= 2].groupby("artistID")["tag"].apply(list)
    items = read("artists")[["id", "name"]].rename(columns={"name": "text"})
    items["tags"] = [counts.get(i, []) for i in items["id"]]
    # The words of an artist are its tags.
    items["text"] = [" ".join(tags) for tags in items["tags"]]
    return events, items


def steam(folder: Path):
    """Purchases of games, with their names."""
    here = folder / "steam-200k"
    events = pd.read_csv(here / "game_purchase.dat.gz", sep="\t").iloc[:, :2]
    events.columns = ["user", "item"]
    items = pd.read_csv(here / "item_info.dat.gz", sep="\t", encoding="latin-1")
    items.columns = ["id", "text"]
    items["tags"] = [[] for _ in range(len(items))]
    return events.drop_duplicates(), items


def models(tags: bool):
    chosen = {
        "Popular": rec.Popular(),
        "ItemKNN": rec.ItemKNN(similarity="tf_idf"),
        "UserKNN": rec.UserKNN(),
        "EASE": rec.EASE(l2=500.0),
        "ALS": rec.ALS(factors=64, l2=50.0, alpha=5.0),
        "GFCF": rec.GFCF(factors=64),
        "Content(words)": rec.Content(by="words"),
    }
    if tags:
        chosen["Content(tags)"] = rec.Content(by="tags")
    return chosen


def fitted(model: rec.Model, train: rec.Dataset) -> float:
    begin = time.perf_counter()
    model.fit(train)
    return time.perf_counter() - begin


def run(name: str, folder: Path) -> None:
    events, items = {"ml-1m": ml_1m, "lastfm": lastfm, "steam": steam}[name](folder)
    tagged = bool(items["tags"].map(len).sum())
    data = rec.Dataset.from_frame(events, user="user", item="item").k_core(5, 5)
    data.items = rec.Items.from_frame(items, id="id", text=["text"], tags="tags" if tagged else None)
    train, valid, test = rec.split.random(data, [0.7, 0.1, 0.2], seed=1)
    estimators = models(tagged)
    print(f"\n{name}: {data!r}")
    seconds = {label: fitted(model, train) for label, model in estimators.items()}
    fused = rec.Fusion(list(estimators.values()))
    begin = time.perf_counter()
    found = fused.learn(valid, k=20)
    print(f"  learned in {time.perf_counter() - begin:.1f} s from {sum(found['users'])} users")
    print("  NDCG@20 on validation:", dict(zip(estimators, (round(a, 4) for a in found["alone"]))))
    print(f"  reciprocal ranks {found['reciprocal_rank']:.4f}, learned (other half) {found['learnt']:.4f}")
    for level in found["fusion"].get("levels", []):
        weights = {n: round(w, 2) for n, w in zip(estimators, level["weights"]) if w > 0}
        print(f"  from {level['min_items']} items: {weights}")
    candidates = {**estimators, "reciprocal rank": rec.Fusion(fused.models), "learned": fused}
    reports = {}
    for label, model in candidates.items():
        reports[label] = rec.evaluate(model, test, metrics=METRICS, also_seen=valid)
        took = f"  fitted in {seconds[label]:.1f} s" if label in seconds else ""
        print(f"  {label:16} {reports[label]['recall@20']:.4f} {reports[label]['ndcg@20']:.4f}{took}")
    best = max(zip(found["alone"], estimators))[1]
    print(" ", rec.compare(reports["learned"], reports[best], "ndcg@20"), f"(against {best})")


if __name__ == "__main__":
    args = argparse.ArgumentParser()
    args.add_argument("--data", nargs="+", default=["ml-1m", "lastfm", "steam"])
    args.add_argument("--folder", type=Path, default=Path("../shared/data"))
    chosen = args.parse_args()
    for name in chosen.data:
        run(name, chosen.folder)
