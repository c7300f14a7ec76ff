"""A step of LightGCN in plain torch on the data of benches/lightgcn.rs: seconds.

python benches/peers/lightgcn.py --data gowalla --batch 2048 --threads 2 [--layout coo | csr]

Dim 64, 3 layers, BPR with the penalty of the initial embeddings, Adam; the propagation is
torch.sparse.mm of a coalesced COO matrix, as in RecBole, or of a CSR one. The data is looked for in
../shared/data. (needs torch 2.9.0)
"""

import argparse
import gzip
import statistics
import time
from pathlib import Path

import torch
import torch.nn.functional as F

args = argparse.ArgumentParser()
args.add_argument("--data", default="gowalla")
args.add_argument("--batch", type=int, default=2048)
args.add_argument("--threads", type=int, default=2)
args.add_argument("--steps", type=int, default=10)
args.add_argument("--layout", choices=["coo", "csr"], default="coo")
args = args.parse_args()
torch.set_num_threads(args.threads)

users, items = [], []
with gzip.open(Path("../shared/data") / args.data / "train.txt.gz", "rt") as lines:
    for line in lines:
        user, *had = map(int, line.split())
        users += [user] * len(had)
        items += had
users, items = torch.tensor(users), torch.tensor(items)
n, m = int(users.max()) + 1, int(items.max()) + 1
ends = torch.stack([torch.cat([users, items + n]), torch.cat([items + n, users])])
degree = torch.bincount(ends[0], minlength=n + m).clamp(min=1).float()
values = (degree[ends[0]] * degree[ends[1]]).rsqrt()
graph = torch.sparse_coo_tensor(ends, values, (n + m, n + m)).coalesce()
if args.layout == "csr":
    graph = graph.to_sparse_csr()

torch.manual_seed(1)
emb = torch.nn.Parameter(torch.randn(n + m, 64) * 0.1)
adam = torch.optim.Adam([emb], lr=1e-3)


def step():
    at = torch.randint(len(users), (args.batch,))
    u, i, j = users[at], items[at], torch.randint(m, (args.batch,))
    layers = [emb]
    for _ in range(3):
        layers.append(torch.sparse.mm(graph, layers[-1]))
    final = torch.stack(layers, dim=1).mean(dim=1)
    eu, ei, ej = final[u], final[n + i], final[n + j]
    loss = F.softplus((eu * ej).sum(1) - (eu * ei).sum(1)).mean()
    penalty = sum(emb[k].pow(2).sum() for k in (u, n + i, n + j)) / 2 / args.batch
    adam.zero_grad()
    (loss + 1e-4 * penalty).backward()
    adam.step()


step()
times = []
for _ in range(args.steps):
    start = time.perf_counter()
    step()
    times.append(time.perf_counter() - start)
print(f"{args.data} {args.layout}: best {min(times):.4f} s a step, median {statistics.median(times):.4f}")
