"""Loads a file of events with pandas and prints the seconds of each run.

    python benches/peers/load.py FILE [RUNS]      read FILE
    python benches/peers/load.py --make DIR ROWS  write events-int.csv, events-str.csv (and .gz)

The comparison is with `read_csv` alone: a frame of columns. Numbering ids and sorting each user's
events by time, which ours includes, is shown below as "with codes and order".
"""

import sys
import time


def make(folder, rows):
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    users = rng.integers(0, rows // 10, rows)
    items = np.minimum(rng.zipf(1.3, rows), 50_000)
    frame = {
        "user_id": users,
        "item_id": items,
        "rating": rng.integers(1, 11, rows) / 2,
        "timestamp": 1_500_000_000 + rng.integers(0, 10**8, rows),
    }
    frame = pd.DataFrame(frame)
    frame.to_csv(f"{folder}/events-int.csv", index=False)
    frame.to_csv(f"{folder}/events-int.csv.gz", index=False)
    frame["user_id"] = [f"u{u:08x}" for u in users]
    frame["item_id"] = [f"B{i:09d}X" for i in items]
    frame.to_csv(f"{folder}/events-str.csv", index=False)
    frame.to_csv(f"{folder}/events-str.csv.gz", index=False)


def load(path, runs):
    import pandas as pd

    for _ in range(runs):
        start = time.perf_counter()
        frame = pd.read_csv(path)
        read = time.perf_counter()
        users, _ = pd.factorize(frame["user_id"])
        items, _ = pd.factorize(frame["item_id"])
        frame = frame.assign(user_id=users, item_id=items)
        frame = frame.sort_values(["user_id", "timestamp"], kind="stable")
        done = time.perf_counter()
        print(f"{read - start:.3f} s, with codes and order {done - start:.3f} s")


if __name__ == "__main__":
    if sys.argv[1] == "--make":
        make(sys.argv[2], int(sys.argv[3]))
    else:
        load(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3)
