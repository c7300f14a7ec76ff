"""implicit's ALS and BPR on the data of benches/als_bpr.rs: seconds, Recall@20 and NDCG@20.

python benches/peers/als_bpr.py --data gowalla --model als --alpha 10 --threads 2
(needs implicit 0.7, numpy, scipy; run with OPENBLAS_NUM_THREADS=1, as implicit advises)

The options mean the same as there. Training items removed, all items ranked, pessimistic on ties,
every test user counted. The data is looked for in ../shared/data.
"""

import argparse
import gzip
import statistics
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking

K = 20


def pairs(path):
    users, items = [], []
    if path.exists():
        with gzip.open(path, "rt") as lines:
            for line in lines:
                user, *its = map(int, line.split())
                users += [user] * len(its)
                items += its
    return np.array(users, dtype=np.int64), np.array(items, dtype=np.int64)


def read(folder):
    parts = [pairs(folder / f"{name}.txt.gz") for name in ("train", "test", "valid")]
    shape = tuple(max(p[side].max(initial=-1) for p in parts) + 1 for side in (0, 1))
    make = lambda p: sp.csr_matrix((np.ones(len(p[0]), np.float32), p), shape)
    return make(parts[0]), make(parts[1])


def evaluate(model, train, test):
    gains = 1 / np.log2(np.arange(2, K + 2))
    ideal = np.cumsum(gains)
    users = np.flatnonzero(np.diff(test.indptr))
    recall = ndcg = 0.0
    for start in range(0, len(users), 512):
        block = users[start : start + 512]
        scores = model.user_factors[block] @ model.item_factors.T
        for row, user in enumerate(block):
            own = scores[row]
            own[train.indices[train.indptr[user] : train.indptr[user + 1]]] = -np.inf
            truth = test.indices[test.indptr[user] : test.indptr[user + 1]]
            is_true = np.zeros(len(own), bool)
            is_true[truth] = True
            floor = np.partition(own, -K)[-K]
            near = np.flatnonzero(own >= floor)
            near = near[np.lexsort((is_true[near], -own[near]))][:K]
            hits = is_true[near]
            recall += hits.sum() / len(truth)
            ndcg += (hits * gains).sum() / ideal[min(len(truth), K) - 1]
    return recall / len(users), ndcg / len(users)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="lightgcnpp-ml-1m")
    parser.add_argument("--model", default="als", choices=["als", "als-cholesky", "bpr"])
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--l2", type=float, default=0.01)
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1)
    args = parser.parse_args()
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "data" / args.data
    if not (folder / "train.txt.gz").exists():
        print(f"skipped: no {folder}")
        return
    train, test = read(folder)
    common = dict(
        factors=args.factors,
        regularization=args.l2,
        iterations=args.epochs,
        num_threads=args.threads,
        random_state=args.seed,
    )
    seconds, cpu = [], []
    for _ in range(args.runs):
        if args.model == "bpr":
            model = BayesianPersonalizedRanking(learning_rate=args.learning_rate, **common)
        else:
            use_cg = args.model == "als"
            model = AlternatingLeastSquares(alpha=args.alpha, use_cg=use_cg, **common)
        start, start_cpu = time.perf_counter(), time.process_time()
        model.fit(train, show_progress=False)
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    recall, ndcg = evaluate(model, train, test)
    print(
        f"{args.data} {args.model} seconds {statistics.median(seconds):.3f} "
        f"cpu {statistics.mean(cpu):.2f} recall@20 {recall:.4f} ndcg@20 {ndcg:.4f}"
    )


if __name__ == "__main__":
    main()
