"""Pipelines on real data: every recommender and the fusion, and what cold users and items are given.

    python benches/pipeline.py table [--data ml-1m lastfm anime steam] [--folder ../shared/data] [--html FOLDER]
    python benches/pipeline.py cold  [--data …]

Needs the package and pandas. ``table``: users and items with at least 5 events; events are cut at random into
70 % training, 10 % validation and 20 % test, all settings are the pipeline's own, and the leaderboard of
the test part is printed. ``cold``: a tenth of the items is taken out of all events, and asked for among
themselves by their words; a tenth of the users is taken out, and asked for by their first few events, and by
the names of the three tags that they have most.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from fusion import lastfm, ml_1m, steam

import rec


def anime(folder: Path):
    """What was watched, with names and genres."""
    here = folder / "anime"
    events = pd.read_csv(here / "anime_history.dat.gz", sep="\t").iloc[:, :2]
    events.columns = ["user", "item"]
    info = pd.read_csv(here / "anime_info.dat.gz", sep="\t", encoding="latin-1")
    items = pd.DataFrame({"id": info.iloc[:, 0], "text": info.iloc[:, 1].astype(str)})
    items["tags"] = info.iloc[:, 2].fillna("").str.split(", ")
    return events.drop_duplicates(), items


DATA = {"ml-1m": ml_1m, "lastfm": lastfm, "anime": anime, "steam": steam}


def read(name: str, folder: Path) -> tuple[rec.Dataset, bool]:
    events, items = DATA[name](folder)
    tagged = bool(items["tags"].map(len).sum())
    data = rec.Dataset.from_frame(events, user="user", item="item").k_core(5, 5)
    data.items = rec.Items.from_frame(items, id="id", text=["text"], tags="tags" if tagged else None)
    return data, tagged


def config(tagged: bool, n_items: int) -> dict:
    recommenders = [
        {"model": "popular"},
        {"model": "item_knn", "similarity": "tf_idf"},
        {"model": "user_knn"},
        {"model": "als", "factors": 64, "l2": 50.0, "alpha": 5.0},
        {"model": "gfcf", "factors": 64},
        {"model": "content", "name": "words", "features": {"by": "words"}},
    ]
    if n_items < 12_000:
        recommenders.append({"model": "ease", "l2": 500.0})
    if tagged:
        recommenders.append({"model": "content", "name": "tags", "features": {"by": "tags"}})
    return {
        "recommenders": recommenders,
        "split": {"protocol": "random", "fractions": [0.7, 0.1, 0.2], "seed": 1},
        "metrics": ["ndcg@20", "recall@20", "coverage@20", "novelty@20"],
        "fusion": {"learn": {"k": 20, "max_users": 10_000}},
        "refit": False,
        "seed": 1,
    }


def table(name: str, folder: Path, html: Path | None) -> None:
    data, tagged = read(name, folder)
    begin = time.perf_counter()
    pipeline = rec.Pipeline(config=config(tagged, data.n_items)).fit(data)
    print(f"\n{name}: {data!r}, {time.perf_counter() - begin:.1f} s")
    print(pipeline.leaderboard)
    if html is not None:
        pipeline.leaderboard.write_html(html / f"{name}.html")


def cold(name: str, folder: Path) -> None:
    data, tagged = read(name, folder)
    frame = data.to_frame("pandas")
    rng = np.random.default_rng(1)
    items, users = frame["item"].unique(), frame["user"].unique()
    cold_items = set(rng.choice(items, len(items) // 10, replace=False))
    cold_users = set(rng.choice(users, len(users) // 10, replace=False))
    is_cold_item, is_cold_user = frame["item"].isin(cold_items), frame["user"].isin(cold_users)
    warm = rec.Dataset.from_frame(frame[~is_cold_item & ~is_cold_user], user="user", item="item")
    warm.items = data.items
    pipeline = rec.Pipeline(config=config(tagged, data.n_items)).fit(warm.with_items())
    print(f"\n{name}: {len(cold_items)} items and {len(cold_users)} users without an event in training")

    # Items known by their words alone, among themselves.
    truth = frame[is_cold_item & ~is_cold_user].groupby("user")["item"].apply(set)
    asked = truth.index[truth.index.isin(pipeline.user_ids)]
    chosen = sorted(cold_items)
    k = 50
    answer = pipeline.recommend(asked, k=k, items=chosen)
    hits = [len(truth[u] & set(row)) / min(k, len(truth[u])) for u, row in zip(asked, answer.items)]
    chance = min(1.0, k / len(chosen))
    print(f"  recall@{k} among new items: {np.mean(hits):.4f}, by chance about {chance:.4f}")

    # Users known by their first events alone.
    past = frame[is_cold_user & ~is_cold_item].groupby("user")["item"].apply(list)
    past = past[past.map(len) >= 10]
    for n in (1, 3, 5):
        histories = [own[:n] for own in past]
        answer = pipeline.recommend_histories(histories, k=20)
        popular = [row for row in rec.Popular().fit(warm).recommend_histories(histories, k=20).items]
        recall = [
            np.mean([len(set(own[n:]) & set(row)) / min(20, len(own) - n) for own, row in zip(past, rows)])
            for rows in (answer.items, popular)
        ]
        print(f"  recall@20 of new users after {n} events: {recall[0]:.4f}, popularity {recall[1]:.4f}")

    # Users who said in words what they like, without an event: the names of the tags they have most.
    if tagged:
        _, table = DATA[name](folder)
        tags = dict(zip(table["id"], table["tags"]))
        counts = [Counter(tag for item in own for tag in tags[item]).most_common(3) for own in past]
        said = [" ".join(tag for tag, _ in own) for own in counts]
        kept = [at for at, text in enumerate(said) if text]
        answer = pipeline.recommend_texts([said[at] for at in kept], k=20)
        popular = rec.Popular().fit(warm).recommend_histories([past.iloc[at][:1] for at in kept], k=20, filter_seen=False)
        recall = [
            np.mean([len(set(past.iloc[at]) & set(row)) / min(20, len(past.iloc[at])) for at, row in zip(kept, rows)])
            for rows in (answer.items, popular.items)
        ]
        print(f"  recall@20 of new users who named three tags: {recall[0]:.4f}, popularity {recall[1]:.4f}")


if __name__ == "__main__":
    args = argparse.ArgumentParser()
    args.add_argument("job", choices=["table", "cold"])
    args.add_argument("--data", nargs="+", default=list(DATA))
    args.add_argument("--folder", type=Path, default=Path("../shared/data"))
    args.add_argument("--html", type=Path)
    chosen = args.parse_args()
    for name in chosen.data:
        if chosen.job == "table":
            table(name, chosen.folder, chosen.html)
        else:
            cold(name, chosen.folder)
