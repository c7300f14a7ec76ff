"""The case study's steps with jieba, gensim, implicit, scikit-learn and numpy.

    pip install pandas jieba gensim implicit scikit-learn
    python benches/peers/case_study.py FOLDER [--threads 2]

reads the ``events.csv`` and ``items.csv`` that ``cargo run --release --example 08_case_study -- --folder
FOLDER`` generates, and does what that program does: HTML away, jieba's words, stop words; word vectors
(skip-gram, 64 wide, window 5, 3 epochs) and smooth-inverse-frequency means; TF-IDF keywords; tags of items
that have none by a linear SVM on TF-IDF; popularity, TF-IDF item neighbours, ALS (64 factors, 10 epochs),
item2vec (skip-gram on each user's events, window 5, 5 epochs) and content vectors, trained without each
user's last two events, and again on everything; each one's best 50 items of every user; reciprocal rank
fusion. Co-transitions, the learned fusion and the measuring have no peer here and are left out, which
favours the peers. It prints the seconds of each step and the peak memory.
"""

from __future__ import annotations

import argparse
import html
import re
import resource
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

TOP = 50
TIMES: dict[str, float] = {}
WEIGHTS = {"view": 1.0, "cart": 3.0, "purchase": 5.0}


@contextmanager
def step(name: str):
    start = time.perf_counter()
    yield
    TIMES[name] = TIMES.get(name, 0.0) + time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<12} {TIMES[name]:8.1f} s  peak {peak:6.0f} MiB", flush=True)


def clean(text: str) -> str:
    text = re.sub(r"<script.*?</script>", " ", text, flags=re.S)
    return html.unescape(re.sub(r"<[^>]+>", " ", text)).lower()


def segment(texts: list[str], threads: int) -> list[list[str]]:
    import jieba
    from multiprocessing import Pool

    stop = set("的 了 和 是 在 与 也 这 款 我 你 他 她 它 们 都 就 而 及 或 一个 没有 我们 你们 他们".split())
    global _words

    def _words(text: str) -> list[str]:
        words = jieba.cut(clean(text))
        return [w for w in words if any(c.isalnum() for c in w) and w not in stop]

    jieba.initialize()
    with Pool(threads) as pool:
        return pool.map(_words, texts, chunksize=2000)


def word_vectors(sentences: list[list[str]], size: int, epochs: int, threads: int, min_count: int):
    from gensim.models import Word2Vec

    return Word2Vec(sentences, vector_size=size, window=5, sg=1, negative=5, min_count=min_count,
                    epochs=epochs, workers=threads).wv


def sif(wv, sentences: list[list[str]]) -> np.ndarray:
    counts = np.array([wv.get_vecattr(w, "count") for w in wv.index_to_key], dtype=np.float64)
    weights = (1e-3 / (1e-3 + counts / counts.sum())).astype(np.float32)
    out = np.zeros((len(sentences), wv.vector_size), dtype=np.float32)
    for row, words in enumerate(sentences):
        known = [wv.key_to_index[w] for w in words if w in wv.key_to_index]
        if known:
            out[row] = (weights[known, None] * wv.vectors[known]).mean(axis=0)
    direction = np.linalg.svd(out.T @ out)[0][:, :1].astype(np.float32)
    out -= (out @ direction) @ direction.T
    norms = np.linalg.norm(out, axis=1, keepdims=True)
    return out / np.maximum(norms, 1e-12)


def predict_tags(items: pd.DataFrame, words: list[list[str]]) -> int:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import MultiLabelBinarizer
    from sklearn.svm import LinearSVC

    rows = np.flatnonzero(items.tags.fillna("").to_numpy() != "")
    rows = np.random.default_rng(0).choice(rows, 20_000, replace=False)
    vectorizer = TfidfVectorizer(analyzer=lambda w: w)
    x = vectorizer.fit_transform([words[r] for r in rows])
    labels = MultiLabelBinarizer(sparse_output=True)
    y = labels.fit_transform([items.tags.iloc[r].split("|") for r in rows])
    model = OneVsRestClassifier(LinearSVC()).fit(x, y)
    missing = np.flatnonzero(items.tags.fillna("").to_numpy() == "")
    return int(model.predict(vectorizer.transform([words[r] for r in missing])).getnnz())


def by_product(users: np.ndarray, items: np.ndarray, seen: sparse.csr_matrix, threads: int) -> np.ndarray:
    from implicit.cpu.topk import topk

    ids, _ = topk(np.ascontiguousarray(items), np.ascontiguousarray(users), TOP, filter_query_items=seen,
                  num_threads=threads)
    return ids


def lists(matrix, sequences, content, threads: int, label: str) -> list[np.ndarray]:
    from implicit.als import AlternatingLeastSquares
    from implicit.nearest_neighbours import TFIDFRecommender

    users = np.arange(matrix.shape[0])
    every = []
    with step(f"{label} knn"):
        knn = TFIDFRecommender(K=50, num_threads=threads)
        knn.fit(matrix, show_progress=False)
    with step(f"{label} als"):
        als = AlternatingLeastSquares(factors=64, iterations=10, num_threads=threads, random_state=0)
        als.fit(matrix, show_progress=False)
    with step(f"{label} i2v"):
        wv = word_vectors(sequences, 64, 5, threads, 1)
        vectors = np.zeros((matrix.shape[1], 64), dtype=np.float32)
        at = [int(w) for w in wv.index_to_key]
        vectors[at] = wv.vectors / np.linalg.norm(wv.vectors, axis=1, keepdims=True)
    if label == "try":
        return []
    binary = sparse.csr_matrix((np.ones_like(matrix.data), matrix.indices, matrix.indptr), matrix.shape)
    binary = sparse.diags(1.0 / np.maximum(binary.sum(axis=1).A1, 1)) @ binary
    with step("rank knn"):
        every.append(knn.recommend(users, matrix, N=TOP)[0])
    with step("rank als"):
        every.append(als.recommend(users, matrix, N=TOP)[0])
    with step("rank i2v"):
        every.append(by_product((binary @ vectors).astype(np.float32), vectors, matrix, threads))
    with step("rank content"):
        every.append(by_product((binary @ content).astype(np.float32), content, matrix, threads))
    with step("rank popular"):
        order = np.argsort(-matrix.getnnz(axis=0), kind="stable")[:1000]
        popular = np.empty((len(users), TOP), dtype=np.int64)
        for user in users:
            own = set(matrix.indices[matrix.indptr[user] : matrix.indptr[user + 1]])
            popular[user] = [i for i in order if i not in own][:TOP]
        every.append(popular)
    return every


def fuse(every: list[np.ndarray], k: int) -> np.ndarray:
    n = len(every[0])
    out = np.empty((n, k), dtype=np.int64)
    gain = 1.0 / (61 + np.arange(TOP))
    for user in range(n):
        ids = np.concatenate([one[user] for one in every])
        unique, inverse = np.unique(ids, return_inverse=True)
        score = np.bincount(inverse, weights=np.tile(gain, len(every)))
        out[user] = unique[np.argsort(-score)[:k]]
    return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    begin = time.perf_counter()
    with step("read"):
        events = pd.read_csv(args.folder / "events.csv")
        items = pd.read_csv(args.folder / "items.csv")
    with step("words"):
        words = segment((items.title + "\n" + items.description).tolist(), args.threads)
    with step("vectors"):
        content = sif(word_vectors(words, 64, 3, args.threads, 5), words)
    with step("keywords"):
        from sklearn.feature_extraction.text import TfidfVectorizer

        scores = TfidfVectorizer(analyzer=lambda w: w, min_df=2, max_df=0.2).fit_transform(words)
        best = [scores.indices[a + np.argsort(-scores.data[a:b])[:5]] for a, b in zip(scores.indptr, scores.indptr[1:])]
        assert len(best) == len(words)
    with step("tags"):
        print(predict_tags(items, words), "tags predicted")
    with step("matrix"):
        at = {item: row for row, item in enumerate(items.item_id)}
        events["item"] = events.item_id.map(at)
        events["user"], names = pd.factorize(events.user_id)
        events["weight"] = events.event.map(WEIGHTS)
        events = events.sort_values(["user", "timestamp"], kind="stable")
        last = events.groupby("user").cumcount(ascending=False)
        shape = (len(names), len(items))

        def part(rows: pd.DataFrame):
            matrix = sparse.csr_matrix((rows.weight.astype(np.float32), (rows.user, rows.item)), shape=shape)
            sequences = rows.groupby("user").item.apply(lambda s: [str(i) for i in s]).tolist()
            return matrix, sequences

        train, whole = part(events[last >= 2]), part(events)
    lists(*train, content, args.threads, "try")
    every = lists(*whole, content, args.threads, "fit")
    with step("fuse"):
        best = fuse(every, 10)
    with step("write"):
        frame = pd.DataFrame({"user": np.repeat(names, 10), "item": items.item_id.to_numpy()[best.ravel()]})
        frame.to_csv(args.folder / "peer_recommendations.csv", index=False)
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 0) / 1024
    print(f"in all {time.perf_counter() - begin:.1f} s, peak {peak:.0f} MiB without the processes of jieba")


if __name__ == "__main__":
    main()
