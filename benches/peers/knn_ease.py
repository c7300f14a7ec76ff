"""The peers of benches/knn_ease.rs: implicit's nearest neighbours, and EASE in numpy.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS=2 \
        python benches/peers/knn_ease.py SHARED_DATA [quality] [fit] [ease] [ease-large]
"""

import gzip
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from implicit.nearest_neighbours import (
    BM25Recommender,
    CosineRecommender,
    ItemItemRecommender,
    TFIDFRecommender,
)

THREADS = 2
KNN = {
    "cosine": lambda: CosineRecommender(K=100, num_threads=THREADS),
    "tf_idf": lambda: TFIDFRecommender(K=100, num_threads=THREADS),
    "bm25": lambda: BM25Recommender(K=100, K1=100, B=0.8, num_threads=THREADS),
    "dot": lambda: ItemItemRecommender(K=100, num_threads=THREADS),
}


def read(path, shape=None):
    rows, cols = [], []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            user, *items = map(int, line.split())
            rows += [user] * len(items)
            cols += items
    return sp.csr_matrix((np.ones(len(rows)), (rows, cols)), shape=shape)


def split(folder):
    train, test = read(folder / "train.txt.gz"), read(folder / "test.txt.gz")
    shape = tuple(np.maximum(train.shape, test.shape))
    train.resize(shape)
    test.resize(shape)
    return train, test


def recall_ndcg(scores_of, train, test, k=20):
    """Training items removed, ties lost, every user with test items."""
    recall, ndcg, users = 0.0, 0.0, 0
    gains = 1 / np.log2(np.arange(2, k + 2))
    for user in range(test.shape[0]):
        wanted = test[user].indices
        if len(wanted) == 0:
            continue
        users += 1
        scores = scores_of(user)
        scores[train[user].indices] = -np.inf
        scores[wanted] = np.nextafter(scores[wanted], -np.inf)
        top = np.argpartition(-scores, k)[:k]
        top = top[np.argsort(-scores[top])]
        hits = np.isin(top, wanted)
        recall += hits.sum() / len(wanted)
        ndcg += gains[hits].sum() / gains[: len(wanted)].sum()
    return recall / users, ndcg / users


def timed(work, runs=5):
    times = []
    before = time.process_time()
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    processor = (time.process_time() - before) / runs
    return result, f"{statistics.median(times):.3f} s (processor {processor:.3f} s)"


def ease(x, l2, dtype):
    """The reference code of Steck 2019."""
    gram = (x.T @ x).toarray().astype(dtype)
    gram[np.diag_indices_from(gram)] += l2
    p = np.linalg.inv(gram)
    b = p / (-np.diag(p))
    b[np.diag_indices_from(b)] = 0
    return b


def generated(n, users):
    rng = np.random.default_rng(1)
    cols = (n * rng.random((users, 50)) ** 3).astype(int)
    rows = np.repeat(np.arange(users), 50)
    x = sp.csr_matrix((np.ones(rows.size), (rows, cols.ravel())), shape=(users, n))
    x.data[:] = 1
    return x


def main():
    data, jobs = Path(sys.argv[1]), sys.argv[2:] or ["quality", "fit", "ease"]
    for name in ("lightgcnpp-ml-1m", "gowalla"):
        if not {"quality", "fit"} & set(jobs):
            break
        train, test = split(data / name)
        for label, make in KNN.items():
            def fit():
                model = make()
                model.fit(train, show_progress=False)
                return model

            model, seconds = timed(fit, 5 if "fit" in jobs else 1)
            print(f"fit {name} implicit {label}: {seconds}", flush=True)
            if "quality" in jobs:
                similarity = model.similarity.tocsr()
                scores_of = lambda user: (train[user] @ similarity).toarray().ravel()
                recall, ndcg = recall_ndcg(scores_of, train, test)
                print(f"  {label} {recall:.4f} {ndcg:.4f}", flush=True)
        if "quality" in jobs:
            popularity = np.asarray(train.sum(0)).ravel()
            recall, ndcg = recall_ndcg(lambda user: popularity.copy(), train, test)
            print(f"  popular {recall:.4f} {ndcg:.4f}", flush=True)
    if "ease" in jobs:
        train, _ = split(data / "lightgcnpp-ml-1m")
        for dtype in (np.float32, np.float64):
            _, seconds = timed(lambda: ease(train, 1000.0, dtype), 3)
            print(f"ease lightgcnpp-ml-1m numpy {dtype.__name__}: {seconds}", flush=True)
    if "ease-large" in jobs:
        x = generated(8_000, 20_000)
        for dtype in (np.float32, np.float64):
            _, seconds = timed(lambda: ease(x, 1000.0, dtype), 1)
            print(f"ease 8000 generated items numpy {dtype.__name__}: {seconds}", flush=True)


main()
