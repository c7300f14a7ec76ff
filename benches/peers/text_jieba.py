"""Cleaning, segmentation and stop words: Python's jieba beside ``rec.text``, round by round.

    python benches/peers/text_jieba.py --data reviews.csv.gz --column review --threads 2

jieba runs on one thread, as it does; cleaning is by regular expressions and stop words by a set,
as is usual. ``rec`` runs its whole pipeline on the threads given and hands back Python lists
(``lists``), strings of tokens (``joined``), or a file (``file``). Prints for each the best of the
rounds, the median of the ratios of neighbouring runs, and processor seconds.
"""

import argparse
import csv
import gzip
import os
import re
import statistics
import tempfile
import time

import jieba

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--column", default="review")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--rounds", type=int, default=3)
args = parser.parse_args()

opened = gzip.open if args.data.endswith(".gz") else open
with opened(args.data, "rt", encoding="utf-8", newline="") as file:
    texts = [row[args.column] for row in csv.DictReader(file)]
characters = sum(map(len, texts))

import rec  # noqa: E402

stop = rec.text.stop_words("zh")
jieba.setLogLevel(60)
jieba.initialize()
TAG, URL, SPACE, WORD = (
    re.compile(p) for p in (r"<[^>]+>", r"https?://[\x21-\x7e]+", r"\s+", r"\w")
)


def peer():
    out = []
    for text in texts:
        text = SPACE.sub(" ", URL.sub(" ", TAG.sub("", text))).strip()
        out.append([w for w in jieba.cut(text) if WORD.search(w) and w not in stop])
    return sum(map(len, out))


def segment_only():
    return sum(len(jieba.lcut(text)) for text in texts)


pipeline = rec.text.Pipeline([rec.text.Cleaner(), rec.text.Segmenter("zh"), "words", stop])


def lists():
    return sum(map(len, pipeline.process_batch(texts, num_threads=args.threads)))


def joined():
    return len(pipeline.process_batch(texts, join=" ", num_threads=args.threads))


def to_file():
    with tempfile.TemporaryDirectory() as folder:
        done = pipeline.process_file(
            args.data,
            os.path.join(folder, "out.txt"),
            column=args.column,
            num_threads=args.threads,
        )
    return done["tokens"]


runs = {"jieba, segment only": segment_only, "jieba": peer, "lists": lists, "joined": joined, "file": to_file}
seconds = {name: [] for name in runs}
processor = {name: [] for name in runs}
for _ in range(args.rounds):
    for name, run in runs.items():
        start, used = time.perf_counter(), time.process_time()
        out = run()
        seconds[name].append(time.perf_counter() - start)
        processor[name].append(time.process_time() - used)
        print(f"{name}: {seconds[name][-1]:.3f} s, {out} out", flush=True)
print(f"{len(texts)} texts, {characters} characters; rec on {args.threads} threads")
for name in runs:
    best, cpu = min(seconds[name]), min(processor[name])
    ratio = statistics.median(p / s for p, s in zip(seconds["jieba"], seconds[name]))
    print(
        f"{name}: best {best:.3f} s ({characters / best / 1e6:.2f} M characters/s), processor "
        f"{cpu:.2f} s, {ratio:.1f} times jieba"
    )
