"""gensim's word2vec beside ours: words a second, and quality on word-similarity sets.

python benches/peers/word2vec.py --text FILE --rec PATH_OF_BENCH_BINARY --sg --seeds 5
(needs gensim 4.4, numpy, scipy; the binary is what `cargo bench --bench word2vec --no-run` names)

The text holds one sentence a line, its words parted by white space. For each seed both train with
the same settings, one after the other, and gensim scores both tables on the sets found in
../shared/data/wordsim: Spearman correlation x 100, pairs with unknown words left out; analogies
as accuracy in percent.

python benches/peers/word2vec.py --text FILE --make-text ../shared/data/english-corpora
writes the English text of the documentation first: words of letters a to z, in small letters.
"""

import argparse
import gzip
import re
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from gensim.models import FastText, KeyedVectors, Word2Vec

SETS = Path(__file__).parents[2] / "../shared/data/wordsim"
PAIRS = {
    "en": ["EN-WS-353-ALL", "EN-WS-353-SIM", "EN-WS-353-REL", "simlex999", "EN-MTurk-771", "EN-RG-65", "EN-MC-30", "EN-RW-STANFORD"],
    "zh": ["zh-wordsim-240", "zh-wordsim-297"],
}


class Lines:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.sentences = [line.split() for line in file]

    def __iter__(self):
        return iter(self.sentences)


def make_text(folder, path):
    with open(path, "w", encoding="utf-8") as out:
        for name in ("brown", "enwiki106", "inaugural", "webtext"):
            for line in gzip.open(Path(folder) / f"{name}.txt.gz", "rt", encoding="utf-8"):
                words = re.findall(r"[a-z]+(?:'[a-z]+)?", line.lower())
                if words:
                    out.write(" ".join(words) + "\n")


def scores(wv, language, analogies):
    out = {}
    for name in PAIRS[language]:
        rows = []
        for line in open(SETS / f"{name}.txt", encoding="utf-8"):
            fields = line.split("\t") if "\t" in line else line.split()
            if not line.startswith("#") and len(fields) >= 3:
                rows.append("\t".join(fields[:3]).strip())
        with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as file:
            file.write("\n".join(rows) + "\n")
            file.flush()
            out[name] = 100 * wv.evaluate_word_pairs(file.name, case_insensitive=True)[1][0]
    if analogies:
        name = {"en": "questions-words.txt.gz", "zh": "zh-analogy.txt"}[language]
        out["analogy"] = 100 * wv.evaluate_word_analogies(str(SETS / name))[0]
    return out


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--text", required=True)
    parse.add_argument("--rec", required=True)
    parse.add_argument("--language", default="en")
    parse.add_argument("--vector-size", type=int, default=100)
    parse.add_argument("--epochs", type=int, default=5)
    parse.add_argument("--workers", type=int, default=2)
    parse.add_argument("--seeds", type=int, default=5)
    parse.add_argument("--sg", action="store_true")
    parse.add_argument("--hs", action="store_true", help="hierarchical softmax instead of negatives")
    parse.add_argument("--fasttext", action="store_true", help="FastText instead of Word2Vec")
    parse.add_argument("--analogies", action="store_true", help="analogies too, which take gensim minutes")
    parse.add_argument("--speed-only", action="store_true")
    parse.add_argument("--make-text", metavar="FOLDER", help="write the text from these corpora first")
    args = parse.parse_args()
    if args.make_text:
        make_text(args.make_text, args.text)
    sentences = Lines(args.text)
    flags = [f"--{name}" for name in ("sg", "hs", "fasttext") if getattr(args, name)]
    figures, speeds = {"gensim": [], "rec": []}, {"gensim": [], "rec": []}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, args.seeds + 1):
            settings = dict(vector_size=args.vector_size, sg=int(args.sg), workers=args.workers, seed=seed)
            if args.hs:
                settings.update(hs=1, negative=0)
            model = (FastText if args.fasttext else Word2Vec)(**settings)
            model.build_vocab(sentences)
            start = time.perf_counter()
            model.train(sentences, total_examples=model.corpus_count, epochs=args.epochs)
            seconds = time.perf_counter() - start
            words = sum(model.wv.get_vecattr(w, "count") for w in model.wv.index_to_key)
            speeds["gensim"].append(words * args.epochs / seconds / 1000)
            out = f"{folder}/vectors.txt"
            command = [args.rec, "--text", args.text, "--seed", seed, "--workers", args.workers, "--epochs", args.epochs, "--vector-size", args.vector_size, "--out", out]
            told = subprocess.run([str(c) for c in command + flags], check=True, capture_output=True, text=True).stdout
            speeds["rec"].append(float(told.split(": ")[-1].split()[0]))
            print(f"seed {seed}: gensim {speeds['gensim'][-1]:.0f}, rec {speeds['rec'][-1]:.0f} thousand words/s, ratio {speeds['rec'][-1] / speeds['gensim'][-1]:.2f}", flush=True)
            if not args.speed_only:
                figures["gensim"].append(scores(model.wv, args.language, args.analogies))
                figures["rec"].append(scores(KeyedVectors.load_word2vec_format(out), args.language, args.analogies))
    ratios = np.array(speeds["rec"]) / np.array(speeds["gensim"])
    print(f"median thousand words/s: gensim {np.median(speeds['gensim']):.0f}, rec {np.median(speeds['rec']):.0f}; median ratio {np.median(ratios):.2f}")
    for name in figures["gensim"][0] if figures["gensim"] else []:
        told = [f"{who} {np.mean(v):5.1f} ± {np.std(v, ddof=min(1, len(v) - 1)):.1f}" for who, rows in figures.items() for v in [[row[name] for row in rows]]]
        print(f"{name:16}", "; ".join(told))


if __name__ == "__main__":
    main()
