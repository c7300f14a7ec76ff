"""Ranking metrics of 100,000 users by ranx and RecTools, beside benches/metrics.rs.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE NUMBA_NUM_THREADS=2 python benches/peers/metrics.py

Lists of 20 distinct items of 20,000 and 5 to 15 relevant items a user, half of them from the list.
Times are medians of calls after the first, which compiles; building the peers' own containers is
not counted. ranx is also timed on ready-made typed lists, its fastest input.
"""

import sys
import time

import numpy as np

N_USERS, N_ITEMS, K = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, 20_000, 20


def median_ms(call, times):
    call()
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        spent.append((time.perf_counter() - start) * 1e3)
    return sorted(spent)[len(spent) // 2]


def data():
    rng = np.random.default_rng(1)
    lists, relevant = [], []
    for _ in range(N_USERS):
        items = rng.integers(0, N_ITEMS, size=K + 4)
        items = np.array(list(dict.fromkeys(items.tolist()))[:K])
        n = int(rng.integers(5, 16))
        row = set(items[rng.integers(0, len(items), size=n // 2)].tolist())
        row.update(rng.integers(0, N_ITEMS, size=n - n // 2).tolist())
        lists.append(items)
        relevant.append(np.array(sorted(row)))
    return lists, relevant


def ranx_times(lists, relevant):
    from numba import set_num_threads
    from ranx import Qrels, Run, evaluate

    set_num_threads(2)
    names = [f"{m}@{K}" for m in ("precision", "recall", "hit_rate", "mrr", "map", "ndcg", "ndcg_burges")]
    names.append("r-precision")
    rng = np.random.default_rng(2)
    q = Qrels({f"u{u}": {f"i{i}": int(g) for i, g in zip(row, rng.integers(1, 5, len(row)))} for u, row in enumerate(relevant)})
    r = Run({f"u{u}": {f"i{i}": float(K - at) for at, i in enumerate(row)} for u, row in enumerate(lists)})
    one = [f"ndcg@{K}"]
    kept = dict(save_results_in_run=False, threads=2, return_mean=True)
    print(f"ranx, {N_USERS} users, 8 metrics: {median_ms(lambda: evaluate(q, r, names, **kept), 3):.1f} ms", flush=True)
    typed_q, typed_r = q.to_typed_list(), r.to_typed_list()
    print(f"ranx, typed lists, 8 metrics: {median_ms(lambda: evaluate(typed_q, typed_r, names, **kept), 7):.1f} ms", flush=True)
    print(f"ranx, typed lists, ndcg alone: {median_ms(lambda: evaluate(typed_q, typed_r, one, **kept), 7):.1f} ms", flush=True)


def rectools_times(lists, relevant):
    import pandas as pd
    from rectools import Columns
    from rectools.metrics import MAP, MRR, NDCG, HitRate, Precision, Recall, calc_metrics

    reco = pd.DataFrame({
        Columns.User: np.repeat(np.arange(N_USERS), [len(row) for row in lists]),
        Columns.Item: np.concatenate(lists),
        Columns.Rank: np.concatenate([np.arange(1, len(row) + 1) for row in lists]),
    })
    test = pd.DataFrame({
        Columns.User: np.repeat(np.arange(N_USERS), [len(row) for row in relevant]),
        Columns.Item: np.concatenate(relevant),
    })
    six = {m.__name__: m(k=K) for m in (Precision, Recall, HitRate, MRR, MAP)}
    six["NDCG"] = NDCG(k=K, divide_by_achievable=True)
    print(f"RecTools, {N_USERS} users, 6 metrics: {median_ms(lambda: calc_metrics(six, reco, test), 5):.1f} ms", flush=True)
    one = {"NDCG": six["NDCG"]}
    print(f"RecTools, ndcg alone: {median_ms(lambda: calc_metrics(one, reco, test), 5):.1f} ms", flush=True)


if __name__ == "__main__":
    made = data()
    ranx_times(*made)
    rectools_times(*made)
