"""Keywords of Chinese papers by Python's jieba, beside benches/keywords.rs.

    python benches/peers/keywords.py FOLDER_OF_zh-csl-papers [kg_dev | kg_test]

The same texts, the same rule: five keywords a text, one is right if it equals one of the authors'
exactly, spaces around it aside. jieba runs with its defaults, on one thread (it has no other way).
"""

import gzip
import sys
import time
from pathlib import Path

import jieba
import jieba.analyse


def papers(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            _, text, keywords = line.rstrip("\n").split("\t")
            yield text, {keyword.strip() for keyword in keywords.split("_")}


def main():
    folder = Path(sys.argv[1])
    part = sys.argv[2] if len(sys.argv) > 2 else "kg_test"
    rows = list(papers(folder / f"{part}.tsv.gz"))
    jieba.setLogLevel(60)
    jieba.initialize()
    print(f"{part}, {len(rows)} texts, jieba {jieba.__version__}")
    for name, extract in [
        ("TextRank", jieba.analyse.textrank),
        ("TfIdf", jieba.analyse.extract_tags),
    ]:
        extract(rows[0][0], topK=5)
        start = time.perf_counter()
        found = [extract(text, topK=5) for text, _ in rows]
        spent = time.perf_counter() - start
        right = asked = there = 0
        macro = 0.0
        for (_, wanted), keywords in zip(rows, found):
            hits = len({keyword.strip() for keyword in keywords} & wanted)
            right, asked, there = right + hits, asked + len(keywords), there + len(wanted)
            macro += 2 * hits / (len(keywords) + len(wanted))
        print(
            f"{name:<10} F1@5 macro {macro / len(rows):.4f} "
            f"micro {2 * right / (asked + there):.4f}, {len(rows) / spent:.0f} texts/s"
        )


if __name__ == "__main__":
    main()
