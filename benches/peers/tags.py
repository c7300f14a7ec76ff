"""TF-IDF and a linear SVM by scikit-learn, beside benches/tags.rs.

    cargo bench -p rec-models --bench tags -- export FOLDER
    python benches/peers/tags.py FOLDER [NAME ...]

The same rows. Two settings: words (jieba's for Chinese), the usual baseline; and words and word pairs
with n-grams of characters, the features of the default tagger. C = 1. Segmentation by jieba counts
as training and prediction, as it does there.
"""

import csv
import sys
import time
import unicodedata
from pathlib import Path

import jieba
import sklearn
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.svm import LinearSVC

NAMES = "thucnews csl shopping-category shopping-sentiment waimai stackoverflow banking77".split()
ENGLISH = {"stackoverflow", "banking77"}


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [text for text, _ in rows], [label for _, label in rows]


def normal(text):
    return unicodedata.normalize("NFKC", text).lower()


def words(text):
    return [word for word in jieba.cut(normal(text)) if word.strip()]


def vectorizers(english, characters):
    longest = 2 if characters else 1
    by_word = dict(preprocessor=normal) if english else dict(analyzer="word", tokenizer=words, token_pattern=None, lowercase=False)
    yield TfidfVectorizer(sublinear_tf=True, ngram_range=(1, longest), **by_word)
    if characters:
        kind = dict(analyzer="char_wb", ngram_range=(2, 5)) if english else dict(analyzer="char", ngram_range=(1, 3))
        yield TfidfVectorizer(sublinear_tf=True, preprocessor=normal, **kind)


def measure(folder, name, characters):
    train, labels = read(folder / f"{name}.train.csv")
    test, truth = read(folder / f"{name}.test.csv")
    parts = list(vectorizers(name in ENGLISH, characters))
    start = time.perf_counter()
    model = LinearSVC(C=1.0).fit(hstack([part.fit_transform(train) for part in parts]).tocsr(), labels)
    trained = time.perf_counter() - start
    start = time.perf_counter()
    found = model.predict(hstack([part.transform(test) for part in parts]).tocsr())
    spent = time.perf_counter() - start
    what = "words, characters" if characters else "words"
    print(
        f"{name:<18} {what:<17} accuracy {accuracy_score(truth, found):.4f}, "
        f"macro F1 {f1_score(truth, found, average='macro'):.4f}, "
        f"training {trained:.1f} s, test {spent:.2f} s",
        flush=True,
    )


def main():
    folder = Path(sys.argv[1])
    jieba.setLogLevel(60)
    jieba.initialize()
    print(f"scikit-learn {sklearn.__version__}, jieba {jieba.__version__}")
    for name in sys.argv[2:] or NAMES:
        for characters in (False, True):
            measure(folder, name, characters)


if __name__ == "__main__":
    main()
