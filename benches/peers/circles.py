"""Circles of the trust network by leidenalg, to lay beside ``--bench social -- circles``.

python benches/peers/circles.py shared/data/lightgcn-lastfm/trustnetwork.txt.gz   (leidenalg, igraph)
"""

import gzip
import sys
import time

import igraph
import leidenalg

with gzip.open(sys.argv[1], "rt") as file:
    pairs = {tuple(sorted(int(x) - 1 for x in line.split()[:2])) for line in file if line.strip()}
graph = igraph.Graph(n=1892, edges=[pair for pair in pairs if pair[0] != pair[1]])
for name, partition, options in [
    ("Modularity", leidenalg.ModularityVertexPartition, {}),
    ("Cpm 0.05", leidenalg.CPMVertexPartition, {"resolution_parameter": 0.05}),
]:
    qualities, seconds, sizes = [], [], []
    for seed in range(5):
        start = time.perf_counter()
        found = leidenalg.find_partition(graph, partition, n_iterations=10, seed=seed, **options)
        seconds.append(time.perf_counter() - start)
        qualities.append(found.modularity if not options else found.quality())
        sizes.append(len(found))
    print(f"{name}: {min(qualities):.4f} to {max(qualities):.4f}, {sizes} circles, {min(seconds):.3f} s")
