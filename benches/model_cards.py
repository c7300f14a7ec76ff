"""The figures of docs/src/model-cards.md, from Python.

    cargo bench -p rec-models --bench tags -- export DATA
    python benches/model_cards.py pretrain DATA ENCODER
    python benches/model_cards.py labels DATA ENCODER TASK [SIZE ...]
    python benches/model_cards.py zero-shot DATA CHECKPOINT
    python benches/model_cards.py language DATA LANGUAGE TASK [SIZE ...]

``pretrain`` trains a tokenizer and a small BERT on reviews without their labels. ``labels`` trains
classifiers of waimai, shopping-category or shopping-sentiment on 100, 1,000 and all labels from that
encoder, from one of the same shape that has learned nothing, and without any; the encoders as they are
under a linear head, and trained together with it. ``zero-shot`` labels
texts by the names of the labels, with a checkpoint of sentence vectors. The untrained BERT is made by
transformers. ``language`` trains recurrent language models on the texts of a task without their labels, and
classifiers of 100, 1,000 and all labels that start from one, that start from nothing, and that are n-grams.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import rec

MAX_LEN = 64
REVIEWS, HELD_OUT = 24_000, 1000
TESTED = 3000  # test texts at most
SIZES = {100: (20, 3), 1000: (10, 3), 0: (3, 1)}  # labels (0: all): epochs, seeds
RATES = [1e-4, 5e-4]
TAGS = (
    "wordpress oracle svn apache excel matlab visual-studio cocoa osx bash spring hibernate scala "
    "sharepoint ajax qt drupal linq haskell magento"
).split()


def read(folder: Path, name: str, part: str) -> tuple[list[str], list[str]]:
    with open(folder / f"{name}.{part}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [rec.text.clean(text) for text, _ in rows], [label for _, label in rows]


def sample(rows: list, size: int, seed: int) -> list:
    """Some rows at random: the files are sorted by label, so the first ones are of one kind."""
    return [rows[row] for row in np.random.default_rng(seed).permutation(len(rows))[:size]]


def untrained(folder: Path, tokenizer: rec.Tokenizer) -> rec.TextEncoder:
    """2 layers × 128, weights as they are initialised."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=512,
        max_position_embeddings=MAX_LEN,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return rec.TextEncoder.from_pretrained(folder)


def pretrain(data: Path, to: Path, epochs: str = "6") -> None:
    texts, _ = read(data, "shopping-category", "train")
    others, _ = read(data, "shopping-category", "test")
    known = set(texts)  # some reviews stand in the file more than once
    texts = sample(texts, REVIEWS, 1)
    held_out = sample([text for text in others if text not in known], HELD_OUT, 2)
    tokenizer = rec.Tokenizer.train(texts, vocab_size=5000)
    print(f"{len(texts)} reviews, {len(held_out)} held out; {tokenizer.vocab_size} tokens", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        blank = untrained(Path(folder), tokenizer)
        start = time.perf_counter()
        encoder = blank.pretrain(
            texts,
            to,
            objective="masked",
            validation=held_out,
            epochs=int(epochs),
            learning_rate=2e-3,
            batch_tokens=4096,
            dropout=0.0,
            max_len=MAX_LEN,
            seed=1,
            metrics=to.with_suffix(".jsonl"),
        )
    history = encoder.history
    for epoch, (loss, (_, measured)) in enumerate(zip(history.losses, history.validation), 1):
        perplexities = f"{np.exp(loss):.1f} in training, {np.exp(measured):.1f} held out"
        print(f"epoch {epoch}: perplexity {perplexities}")
    print(f"{time.perf_counter() - start:.0f} s")


def labels(data: Path, folder: Path, name: str, *sizes: str) -> None:
    train = list(zip(*read(data, name, "train")))
    test = zip(*sample(list(zip(*read(data, name, "test"))), TESTED, 0))
    test = tuple(map(list, test))
    with tempfile.TemporaryDirectory() as blank:
        untrained(Path(blank), rec.Tokenizer.from_pretrained(folder))
        for size in map(int, sizes or SIZES):
            epochs, seeds = SIZES[size]
            for seed in range(1, seeds + 1):
                texts, wanted = map(list, zip(*sample(train, size or len(train), seed)))
                print(f"{name}, {len(texts)} labels, seed {seed}", flush=True)
                report("n-grams", rec.TagClassifier().fit(texts, wanted), test)
                for what, start in [("untrained", blank), ("pre-trained", folder)]:
                    head = rec.TagClassifier(encoder=load(start))
                    report(f"{what}, as it is", head.fit(texts, wanted), test)
                    report(what, *fine_tune(start, texts, wanted, epochs, seed), test)


def load(folder) -> rec.TextEncoder:
    return rec.TextEncoder.from_pretrained(folder, pooling="mean", max_len=MAX_LEN)


def fine_tune(folder, texts, wanted, epochs, seed):
    """The classifier of the rate that its own held-out tenth prefers."""
    encoder = load(folder)
    fitted = []
    for rate in RATES:
        start = time.perf_counter()
        classifier = rec.TagClassifier(
            encoder=encoder, epochs=epochs, learning_rate=rate, random_state=seed
        ).fit(texts, wanted)
        told = f"rate {rate:g}, {time.perf_counter() - start:.0f} s"
        fitted.append((min(classifier.validation_losses_), classifier, told))
    return min(fitted, key=lambda found: found[0])[1:]


def report(what: str, classifier: rec.TagClassifier, *rest) -> None:
    *told, (texts, wanted) = rest
    found = classifier.evaluate(texts, wanted)
    figures = f"accuracy {found['accuracy']:.4f}, macro F1 {found['macro_f1']:.4f}"
    print(f"  {what:<22} {figures}  {' '.join(told)}", flush=True)


def zero_shot(data: Path, folder: Path) -> None:
    encoder = rec.TextEncoder.from_pretrained(folder)
    for name in ["banking77", "stackoverflow"]:
        texts, wanted = read(data, name, "test")
        if name == "stackoverflow":
            wanted = [TAGS[int(label) - 1] for label in wanted]
        for template in ["{}", "a question about {}"]:
            classifier = rec.TagClassifier.zero_shot(sorted(set(wanted)), encoder, template=template)
            report(f"{name}, {len(texts)} texts, {template!r}:", classifier, (texts, wanted))


PASSES = [1, 5, 20]
GRU_EPOCHS = {100: (20, 16), 1000: (10, 32), 0: (4, 64)}  # labels: epochs, texts of a step


def language(data: Path, folder: Path, name: str, *sizes: str) -> None:
    train = list(zip(*read(data, name, "train")))
    test = read(data, name, "test")
    texts = [text for text, _ in train]
    known = set(texts)
    held_out = [text for text in test[0] if text not in known]
    if not folder.exists():
        print(f"{len(texts)} texts, {len(held_out)} held out", flush=True)
        for passes in PASSES:
            start = time.perf_counter()
            model = rec.GruLanguageModel(language_passes=passes).fit(texts)
            seconds = time.perf_counter() - start
            figures = [f"{model.perplexity(part):.1f}" for part in (texts, held_out)]
            print(f"{passes} passes: perplexity {', held out '.join(figures)}; {seconds:.0f} s", flush=True)
        model.save(folder)
    for size in map(int, sizes or SIZES):
        epochs, batch_size = GRU_EPOCHS[size]
        steps = {"epochs": epochs, "batch_size": batch_size, "learning_rate": 0.001}
        untrained = {"learner": "gru", **steps}
        pretrained = {**untrained, "language": folder}
        learners = {
            "n-grams": ["svm", "nb_svm", "naive_bayes"],
            "untrained": [untrained],
            "pre-trained": [pretrained],
            "n-grams, pre-trained": ["svm", "nb_svm", "naive_bayes", pretrained],
        }
        for seed in range(1, SIZES[size][1] + 1):
            texts, wanted = map(list, zip(*sample(train, size or len(train), seed)))
            print(f"{name}, {len(texts)} labels, seed {seed}", flush=True)
            for what, chosen in learners.items():
                classifier = rec.TagClassifier(learners=chosen, random_state=seed)
                report(what, classifier.fit(texts, wanted), test)


def main() -> None:
    commands = {"pretrain": pretrain, "labels": labels, "zero-shot": zero_shot, "language": language}
    command, data, folder, *rest = sys.argv[1:]
    commands[command](Path(data), Path(folder), *rest)


if __name__ == "__main__":
    main()
