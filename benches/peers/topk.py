"""Top-k over factors with seen items removed: implicit, faiss flat and numpy, on the data of
``benches/topk.rs``.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python benches/peers/topk.py --data gaussian

prints median seconds and the sum over the ranked items, which must be that of the Rust benchmark
(up to a few items whose scores tie within rounding).
"""

import argparse
import os
import statistics
import time

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="gaussian")
parser.add_argument("--users", type=int, default=10_000)
parser.add_argument("--items", type=int, default=200_000)
parser.add_argument("--dim", type=int, default=64)
parser.add_argument("--k", type=int, default=100)
parser.add_argument("--seen", type=int, default=50)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--runs", type=int, default=5)
parser.add_argument("--peers", default="implicit,faiss")
args = parser.parse_args()
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, str(args.threads))

import numpy as np
import scipy.sparse as sp


def mix(x):
    x = x + np.uint64(0x9E3779B97F4A7C15)
    z = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(stream, n):
    at = np.arange(n, dtype=np.uint64) | np.uint64(stream << 40)
    return (mix(at) >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def normal(stream, n):
    radius = np.sqrt(-2 * np.log(1 - uniform(stream, n)))
    return (radius * np.cos(2 * np.pi * uniform(stream + 1, n))).astype(np.float32)


n, m, dim, k = args.users, args.items, args.dim, args.k
users = normal(1, n * dim).reshape(n, dim)
items = normal(3, m * dim).reshape(m, dim)
if args.data == "skewed":
    items *= ((1 + np.arange(m) / 1000.0) ** -0.5).astype(np.float32)[:, None]
cols = (uniform(5, n * args.seen) * m).astype(np.int32)
rows = np.repeat(np.arange(n), args.seen)
seen = sp.csr_matrix((np.ones(len(cols), np.float32), (rows, cols)), shape=(n, m))


def implicit_topk():
    from implicit.cpu.topk import topk

    return topk(items, users, k, filter_query_items=seen, num_threads=args.threads)[0]


def faiss_topk():
    """Asks for k + the most anyone has seen, then drops the seen ones (vectorised)."""
    import faiss

    faiss.omp_set_num_threads(args.threads)
    index = faiss.IndexFlatIP(dim)
    index.add(items)
    wide = k + int(np.diff(seen.indptr).max(initial=0))
    _, found = index.search(users, wide)
    taken = np.repeat(np.arange(n, dtype=np.int64), np.diff(seen.indptr)) * m + seen.indices
    keys = np.arange(n, dtype=np.int64)[:, None] * m + found
    keep = ~np.isin(keys, taken)
    order = np.argsort(~keep, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, order, axis=1)


for name in args.peers.split(","):
    run = {"implicit": implicit_topk, "faiss": faiss_topk}[name]
    seconds, processor = [], []
    for _ in range(args.runs):
        start, used = time.perf_counter(), time.process_time()
        found = run()
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    print(
        f"{name}: {args.data}, {n} users × {m} items × {dim}, top {k}, {args.seen} seen, "
        f"{args.threads} threads: median {statistics.median(seconds):.3f} s, best "
        f"{min(seconds):.3f} s, processor {statistics.median(processor):.2f} s; sum of items {int(found.astype(np.int64).sum())}",
        flush=True,
    )
